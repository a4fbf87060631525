//! What every store promises, as one suite that runs on the embedded database and on PostgreSQL; and what
//! PostgreSQL alone has: outages, migrations, monitoring.

/// Runs each property on the embedded database and on PostgreSQL.
macro_rules! on_every_store {
    ($($property:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $property() {
                super::$property(&crate::place::Place::embedded()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $property() {
                super::$property(&crate::place::Place::postgres()).await;
            })+
        }
    };
}

mod catalogue;
mod instances;
mod migrations;
mod monitoring;
mod orders;
mod outage;
mod pipeline;
mod place;
mod users;
