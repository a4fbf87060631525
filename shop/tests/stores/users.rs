//! Accounts.

use shop::store::{Role, User};
use uuid::Uuid;

use crate::place::Place;

on_every_store! {
    a_mail_address_has_one_account_whoever_comes_first,
}

async fn a_mail_address_has_one_account_whoever_comes_first(place: &Place) {
    let instances = [place.open().await, place.open().await];
    let racers = (0..20).map(|number| {
        let users = instances[number % 2].users.clone();
        let user = user(Role::Customer);
        tokio::spawn(async move { users.add(user.clone()).await.unwrap().then_some(user.id) })
    });
    let mut winners = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        winners.extend(racer.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    let users = &instances[0].users;
    let found = users
        .by_email("ann@example.com".into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.id, found.role), (winners[0], Role::Customer));
    assert_eq!((found.name.as_str(), found.created_at_ms), ("Ann", 7));
    assert_eq!(
        users.get(found.id).await.unwrap().unwrap().email,
        "ann@example.com"
    );
    assert!(users.get(Uuid::new_v4()).await.unwrap().is_none());
    for nobody in ["bob@example.com", "ann@example.com\0", ""] {
        assert!(users.by_email(nobody.into()).await.unwrap().is_none());
    }
    let mut admin = user(Role::Admin);
    admin.email = "root@example.com".into();
    assert!(users.add(admin.clone()).await.unwrap());
    assert_eq!(
        users.get(admin.id).await.unwrap().unwrap().role,
        Role::Admin
    );
    for stores in instances {
        stores.close().await;
    }
}

fn user(role: Role) -> User {
    User {
        id: Uuid::new_v4(),
        email: "ann@example.com".into(),
        name: "Ann".into(),
        password_hash: "hash".into(),
        role,
        created_at_ms: 7,
    }
}
