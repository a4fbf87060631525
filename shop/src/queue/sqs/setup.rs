//! Finds the shop's queues, and makes those that are missing: each with its dead-letter queue.
//!
//! Any number of instances may do so at the same time; an existing queue is taken as it is.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use serde_json::{Value, json};

use super::address::Address;
use super::fault::Fault;
use crate::queue::settings::Settings;
use crate::queue::{MAX_RECEIVES, QueueId, Topic, VISIBILITY_DEFAULT};

/// How long the start waits for SQS to answer.
const START_MAX: Duration = Duration::from_secs(10);
/// Pause between two attempts of the start.
const PAUSE: Duration = Duration::from_millis(500);
/// Looks at a new queue before it must be there; SQS asks for a second.
const LOOKS_MAX: u32 = 20;
/// How long messages are kept: as long as SQS does.
const RETENTION: Duration = Duration::from_secs(14 * 24 * 3_600);

/// Where each queue is.
#[derive(Debug)]
pub(super) struct QueueUrls(BTreeMap<QueueId, String>);

impl QueueUrls {
    /// The URL of a queue.
    pub(super) fn of(&self, queue: QueueId) -> &str {
        self.0.get(&queue).map_or("", String::as_str)
    }
}

/// Finds or makes the queues as soon as SQS answers.
pub(super) async fn wait_for_queues(
    client: &Client,
    settings: &Settings,
    address: &Address,
) -> anyhow::Result<QueueUrls> {
    let deadline = Instant::now() + START_MAX;
    loop {
        let fault = match find_queues(client, settings, address).await {
            Ok(urls) => return Ok(urls),
            Err(fault) => fault,
        };
        if fault.is_forbidden() || Instant::now() >= deadline {
            anyhow::bail!(
                "the queues of QUEUE_URL cannot be used: {}; check QUEUE_URL, AWS_REGION and the credentials of AWS, \
                 or leave QUEUE_URL out to keep the queue in the data folder",
                fault.what()
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Finds or makes every queue.
pub(super) async fn find_queues(
    client: &Client,
    settings: &Settings,
    address: &Address,
) -> Result<QueueUrls, Fault> {
    let setup = Setup {
        client,
        settings,
        address,
    };
    let mut urls = BTreeMap::new();
    for topic in Topic::ALL {
        let grave = setup.find_or_make(topic.dead_letters(), None).await?;
        let grave_arn = setup.arn(&grave).await?;
        let url = setup.find_or_make(topic.queue(), Some(&grave_arn)).await?;
        setup.check_redrive(topic, &url, &grave_arn).await?;
        urls.insert(topic.dead_letters(), grave);
        urls.insert(topic.queue(), url);
    }
    Ok(QueueUrls(urls))
}

struct Setup<'a> {
    client: &'a Client,
    settings: &'a Settings,
    address: &'a Address,
}

impl Setup<'_> {
    async fn find_or_make(&self, queue: QueueId, grave: Option<&str>) -> Result<String, Fault> {
        let name = self.address.queue_name(queue);
        match self.find(&name).await {
            Err(fault) if fault.is_missing_queue() => {}
            found => return found,
        }
        match self.make(&name, grave).await {
            // Another instance was quicker, with other settings.
            Err(fault) if fault.is("QueueNameExists") || fault.is("QueueAlreadyExists") => {
                self.find(&name).await
            }
            Err(fault) if fault.is_forbidden() => Err(Fault::new(
                Some("AccessDenied"),
                format!(
                    "the queue {name} does not exist and may not be made ({}); make it, or allow sqs:CreateQueue",
                    fault.what()
                ),
            )),
            made => made,
        }
    }

    async fn find(&self, name: &str) -> Result<String, Fault> {
        let request = self.client.get_queue_url().queue_name(name);
        let request = request.set_queue_owner_aws_account_id(self.address.account.clone());
        let answer = request.send().await?;
        url(answer.queue_url)
    }

    async fn make(&self, name: &str, grave: Option<&str>) -> Result<String, Fault> {
        let request = self.client.create_queue().queue_name(name);
        let request = request.set_attributes(Some(self.attributes(grave)));
        let answer = request.send().await?;
        tracing::info!(queue = name, "made a queue");
        url(answer.queue_url)
    }

    fn attributes(&self, grave: Option<&str>) -> HashMap<Name, String> {
        let seconds = |duration: Duration| duration.as_secs().to_string();
        let mut attributes = HashMap::from([
            (Name::VisibilityTimeout, seconds(VISIBILITY_DEFAULT)),
            (Name::MessageRetentionPeriod, seconds(RETENTION)),
        ]);
        match self.settings.encryption.as_deref() {
            None => {}
            Some("sqs") => drop(attributes.insert(Name::SqsManagedSseEnabled, "true".into())),
            Some(key) => drop(attributes.insert(Name::KmsMasterKeyId, key.to_owned())),
        }
        if let Some(grave) = grave {
            attributes.insert(Name::RedrivePolicy, redrive_policy(grave));
        }
        attributes
    }

    /// The name of a queue in the whole of AWS; waits for a queue that was made just now.
    async fn arn(&self, url: &str) -> Result<String, Fault> {
        for _ in 1..LOOKS_MAX {
            match self.attribute(url, Name::QueueArn).await {
                Err(fault) if fault.is_missing_queue() => tokio::time::sleep(PAUSE).await,
                Ok(arn) => return arn.ok_or_else(|| Fault::new(None, "SQS tells no QueueArn")),
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault::new(None, "a queue that was made does not appear"))
    }

    async fn attribute(&self, url: &str, name: Name) -> Result<Option<String>, Fault> {
        let request = self.client.get_queue_attributes().queue_url(url);
        let answer = request.attribute_names(name.clone()).send().await?;
        Ok(answer.attributes.and_then(|mut all| all.remove(&name)))
    }

    /// Gives a queue without redrive policy the shop's; says so when another one is in force.
    async fn check_redrive(&self, topic: Topic, url: &str, grave: &str) -> Result<(), Fault> {
        let name = self.address.queue_name(topic.queue());
        self.arn(url).await?;
        let policy = self.attribute(url, Name::RedrivePolicy).await?;
        let Some(policy) = policy.filter(|policy| !policy.is_empty()) else {
            let request = self.client.set_queue_attributes().queue_url(url);
            let request = request.attributes(Name::RedrivePolicy, redrive_policy(grave));
            if let Err(error) = request.send().await {
                let fault = Fault::from(error);
                tracing::warn!(
                    queue = name,
                    reason = fault.what(),
                    "the queue has no redrive policy and may not be given one: messages that nobody can handle stay in it"
                );
            }
            return Ok(());
        };
        let policy: Value = serde_json::from_str(&policy).unwrap_or_default();
        let receives = &policy["maxReceiveCount"];
        // Some servers answer with the number in quotes.
        let is_ours = receives.as_u64() == Some(MAX_RECEIVES.into())
            || receives.as_str() == Some(&MAX_RECEIVES.to_string());
        if !is_ours || policy["deadLetterTargetArn"] != grave {
            tracing::warn!(queue = name, %policy, "the queue has another redrive policy than the shop would give it");
        }
        Ok(())
    }
}

fn redrive_policy(grave: &str) -> String {
    json!({"deadLetterTargetArn": grave, "maxReceiveCount": MAX_RECEIVES}).to_string()
}

fn url(url: Option<String>) -> Result<String, Fault> {
    url.ok_or_else(|| Fault::new(None, "SQS tells no URL of a queue"))
}
