//! `QUEUE_URL`: what the URLs of all the shop's queues begin with. Pure.

use anyhow::{Context as _, bail, ensure};

use crate::queue::{QueueId, Topic};

/// What queue names begin with when the URL does not say.
const PREFIX_DEFAULT: &str = "shop-";
/// Digits of an account's number on AWS.
const ACCOUNT_DIGITS: usize = 12;
/// Longest beginning that leaves room for the longest name within the 80 characters of SQS.
const PREFIX_CHARS_MAX: usize = 60;

/// Where the queues are, and what they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Scheme, host and port.
    pub(super) origin: String,
    /// The account whose queues they are, where that has to be said.
    pub(super) account: Option<String>,
    /// The region that the host names.
    pub(super) region: Option<String>,
    prefix: String,
}

impl Address {
    /// Reads `http://localhost:4566/000000000000/shop-` and the like.
    pub(super) fn parse(url: &str) -> anyhow::Result<Self> {
        let uri: http::Uri = url.parse().context("it is not a URL")?;
        let scheme = uri.scheme_str().unwrap_or_default();
        ensure!(
            matches!(scheme, "http" | "https"),
            "it must begin with http:// or https://"
        );
        let authority = uri.authority().context("it names no host")?;
        ensure!(
            !authority.as_str().contains('@'),
            "credentials do not belong into it"
        );
        ensure!(uri.query().is_none(), "there must be no `?` in it");
        let region = region_of(authority.host());
        let segments: Vec<_> = uri.path().trim_start_matches('/').split('/').collect();
        let (account, prefix) = match segments[..] {
            [""] => (None, PREFIX_DEFAULT),
            [account] if is_account(account) => (Some(account), PREFIX_DEFAULT),
            [prefix] => (None, prefix),
            [account, prefix] => (Some(account), prefix),
            _ => bail!("its path must be the account and what queue names begin with"),
        };
        check_prefix(prefix)?;
        // Other servers than AWS put anything there.
        let account = account.filter(|_| region.is_some()).map(str::to_owned);
        Ok(Address {
            origin: format!("{scheme}://{authority}"),
            account,
            region,
            prefix: prefix.to_owned(),
        })
    }

    /// A queue's name on SQS.
    pub(super) fn queue_name(&self, queue: QueueId) -> String {
        format!("{}{}", self.prefix, queue.name())
    }
}

fn is_account(segment: &str) -> bool {
    segment.len() == ACCOUNT_DIGITS && segment.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_prefix(prefix: &str) -> anyhow::Result<()> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    ensure!(
        prefix.chars().all(is_allowed) && prefix.len() <= PREFIX_CHARS_MAX,
        "queue names can begin with at most {PREFIX_CHARS_MAX} letters, digits, `-` and `_`"
    );
    let queues = Topic::ALL
        .into_iter()
        .flat_map(|topic| [topic.queue(), topic.dead_letters()]);
    for queue in queues {
        ensure!(
            !prefix.ends_with(queue.name()),
            "it names one queue; leave `{}` out, the shop adds that for each of its queues",
            queue.name()
        );
    }
    Ok(())
}

/// The region in a host of AWS: `sqs.eu-central-1.amazonaws.com`, also behind `vpce-….` or `queue.`.
fn region_of(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let name = host
        .strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))
        .or_else(|| host.strip_suffix(".api.aws"))?;
    let region = name.split('.').find(|label| {
        label.split('-').count() >= 3
            && label.ends_with(|c: char| c.is_ascii_digit())
            && !label.starts_with("vpce")
    })?;
    Some(region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> String {
        let address = Address::parse(url).expect("valid");
        address.queue_name(Topic::Payments.dead_letters())
    }

    #[test]
    fn queue_names_begin_with_the_end_of_the_url() {
        assert_eq!(
            name("http://localhost:4566/000000000000/shop-"),
            "shop-payments-dlq"
        );
        assert_eq!(name("http://localhost:9324/queue/"), "payments-dlq");
        assert_eq!(name("http://localhost:9324/a_b-"), "a_b-payments-dlq");
        for url in ["http://localhost:4566", "http://queue:9324/000000000000"] {
            assert_eq!(name(url), "shop-payments-dlq");
        }
    }

    #[test]
    fn hosts_of_aws_name_region_and_account() {
        for (host, region) in [
            ("sqs.eu-central-1.amazonaws.com", "eu-central-1"),
            ("sqs-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            (
                "vpce-0a-1b2.sqs.ap-south-2.vpce.amazonaws.com",
                "ap-south-2",
            ),
            ("eu-west-1.queue.amazonaws.com", "eu-west-1"),
            ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("sqs.eu-north-1.api.aws", "eu-north-1"),
        ] {
            let address = Address::parse(&format!("https://{host}/123456789012/shop-"));
            let address = address.expect("valid");
            assert_eq!(address.region.as_deref(), Some(region), "{host}");
            assert_eq!(address.account.as_deref(), Some("123456789012"));
            assert_eq!(address.origin, format!("https://{host}"));
        }
        let local = Address::parse("http://127.0.0.1:4566/000000000000/x").expect("valid");
        assert_eq!((local.region, local.account), (None, None));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_the_reason() {
        for (url, reason) in [
            ("shop-queue", "http://"),
            ("ftp://host/a/b", "http://"),
            ("http://user:hush@host/a/b", "credentials"),
            ("http://host/a/b/c", "path"),
            ("http://host/a/b?c=d", "`?`"),
            ("http://host/a/sh%20op", "letters"),
            ("http://host/a/shop.fifo", "letters"),
            ("http://host/a/shop-payments-dlq", "one queue"),
        ] {
            let said = Address::parse(url).expect_err(url).to_string();
            assert!(said.contains(reason), "{url}: {said}");
            assert!(!said.contains("hush"), "{said}");
        }
    }
}
