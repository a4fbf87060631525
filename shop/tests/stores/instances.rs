//! Several instances that start together on an empty database.

use shop::{Service, Shop};

use crate::place::Place;

on_every_store! {
    three_instances_start_together_on_an_empty_database,
}

const INSTANCES: usize = 3;

/// How often it is tried; `STARTS=20` is the whole measure.
fn rounds() -> usize {
    let rounds = std::env::var("STARTS").ok();
    rounds.map_or(2, |rounds| rounds.parse().expect("STARTS is a number"))
}

async fn three_instances_start_together_on_an_empty_database(place: &Place) {
    for round in 0..rounds() {
        if round == 0 {
            start_together(place).await;
        } else if place.database.is_some() {
            start_together(&Place::postgres()).await;
        } else {
            start_together(&Place::embedded()).await;
        }
    }
}

async fn start_together(place: &Place) {
    let starts = (0..INSTANCES).map(|_| {
        let mut config = place.config();
        config.services = vec![Service::Orders, Service::Auth];
        config.products = 2_000;
        tokio::spawn(Shop::start(config))
    });
    let mut shops = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        shops.push(start.await.unwrap().unwrap());
    }
    for shop in &shops {
        let stores = &shop.context().stores;
        let listed = stores.products.list(None, 1_998, 100).await.unwrap();
        assert_eq!(listed.items.len(), 2);
        assert!(listed.next.is_none());
        let demo = stores
            .users
            .by_email("demo@rumshop.com".into())
            .await
            .unwrap();
        assert!(demo.is_some());
    }
    for shop in shops {
        shop.shutdown().await;
    }
}
