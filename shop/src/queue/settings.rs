//! Which SQS the queues are on, and the variables that say it; a build without SQS reads them too, to say that it has none.
//! `AWS_*` mean what they mean to every tool of AWS; those that are not here are read by its library.

use crate::secret::Secret;

/// Id and secret for servers that ask for a key and take any.
const ANY_KEY: &str = "test";

/// Which SQS, as whom, and how its queues are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the URLs of all queues begin with: `http://localhost:4566/000000000000/shop-`.
    pub url: Secret,
    /// Where requests go, if not to the host of `url`.
    pub endpoint: Option<String>,
    /// The region, where the host of `url` does not name it.
    pub region: Option<String>,
    /// Who asks; without it, whoever the environment or the machine says, as with any AWS tool.
    pub access_key: Option<AccessKey>,
    /// Encryption at rest of queues that are made: `sqs`, or the id or alias of a KMS key.
    pub encryption: Option<String>,
}

/// An access key of AWS, or what another server takes for one.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

impl Settings {
    /// The queues whose URLs begin with `url`.
    pub fn new(url: Secret) -> Self {
        Settings {
            url,
            endpoint: None,
            region: None,
            access_key: None,
            encryption: None,
        }
    }
}

/// Where the queues are.
#[derive(Clone, Default, clap::Args)]
pub struct QueueArgs {
    /// What the URLs of the shop's queues on SQS begin with
    #[arg(long, hide = true, env = "QUEUE_URL", hide_env_values = true)]
    queue_url: Option<String>,
    /// Encryption of queues that the shop makes
    #[arg(long, hide = true, env = "QUEUE_ENCRYPTION", hide_env_values = true)]
    queue_encryption: Option<String>,
    /// Where requests to SQS go
    #[arg(
        long,
        hide = true,
        env = "AWS_ENDPOINT_URL_SQS",
        hide_env_values = true
    )]
    aws_endpoint_url_sqs: Option<String>,
    /// Where requests to AWS go
    #[arg(long, hide = true, env = "AWS_ENDPOINT_URL", hide_env_values = true)]
    aws_endpoint_url: Option<String>,
    /// The region, where the queue's host does not name it
    #[arg(long, hide = true, env = "AWS_REGION")]
    aws_region: Option<String>,
    /// The same
    #[arg(long, hide = true, env = "AWS_DEFAULT_REGION")]
    aws_default_region: Option<String>,
    /// Only whether there is one matters here
    #[arg(long, hide = true, env = "AWS_ACCESS_KEY_ID", hide_env_values = true)]
    aws_access_key_id: Option<String>,
    /// Only whether there is one matters here
    #[arg(long, hide = true, env = "AWS_PROFILE")]
    aws_profile: Option<String>,
}

impl QueueArgs {
    /// What the variables name; an empty variable names nothing.
    pub fn settings(&self) -> Option<Settings> {
        let url = given(&self.queue_url)?;
        let is_named =
            given(&self.aws_access_key_id).is_some() || given(&self.aws_profile).is_some();
        // AWS is never asked in the clear, so this is a stand-in, and nobody has to invent a key for it.
        let takes_any_key = url.starts_with("http://") && !is_named;
        Some(Settings {
            url: Secret::new(url),
            endpoint: given(&self.aws_endpoint_url_sqs).or_else(|| given(&self.aws_endpoint_url)),
            region: given(&self.aws_region).or_else(|| given(&self.aws_default_region)),
            access_key: takes_any_key.then(|| AccessKey {
                id: ANY_KEY.to_owned(),
                secret: Secret::new(ANY_KEY),
            }),
            encryption: given(&self.queue_encryption),
        })
    }
}

impl std::fmt::Debug for QueueArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QueueArgs(…)")
    }
}

fn given(value: &Option<String>) -> Option<String> {
    value.clone().filter(|value| !value.is_empty())
}
