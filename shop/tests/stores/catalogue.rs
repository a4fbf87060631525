//! The catalogue with its stock, and the search in it.

use shop::catalogue::Catalogue;
use shop::money::{Currency, Money};
use shop::store::{NewProduct, Product, Stores, seed_products};

use crate::place::Place;

on_every_store! {
    a_catalogue_is_seeded_once_and_listed_page_by_page,
    products_are_found_by_the_beginnings_of_their_words,
}

async fn a_catalogue_is_seeded_once_and_listed_page_by_page(place: &Place) {
    let instances = [place.open().await, place.open().await];
    let seeds = seed_products(&Catalogue::generate(1, 10_000));
    let both = [
        instances[0].products.seed(seeds.clone()),
        instances[1].products.seed(seeds.clone()),
    ];
    let added = futures_util::future::join_all(both).await;
    let added: usize = added.into_iter().map(Result::unwrap).sum();
    assert_eq!(added, 10_000);

    let products = &instances[1].products;
    let mut listed: Vec<Product> = Vec::new();
    let mut after = Some(0);
    while let Some(from) = after {
        let page = products.list(None, from, 999).await.unwrap();
        after = page.next;
        listed.extend(page.items);
    }
    assert_eq!(listed, seeds);
    let category = seeds[0].category.clone();
    let of_category = products.list(Some(category.clone()), 0, 5).await.unwrap();
    let expected: Vec<&Product> = seeds
        .iter()
        .filter(|seed| seed.category == category)
        .take(5)
        .collect();
    assert_eq!(of_category.items.iter().collect::<Vec<_>>(), expected);
    assert_eq!(of_category.next, Some(expected[4].id));
    let none = products.list(Some("no\0such".into()), 0, 5).await.unwrap();
    assert!(none.items.is_empty() && none.next.is_none());

    // The next product comes after the seeds.
    let added = products.add(new("one more", "")).await.unwrap();
    assert_eq!(added.id, 10_001);
    assert_eq!(products.get(added.id).await.unwrap().as_ref(), Some(&added));
    let stock = &instances[1].stock;
    assert!(stock.set(added.id, 9).await.unwrap());
    let restocked = products.get(added.id).await.unwrap().unwrap();
    assert_eq!((restocked.stock, &restocked.name), (9, &added.name));
    assert!(!stock.set(99_999, 9).await.unwrap());
    let known = stock
        .pieces(vec![99_999, added.id, 1, added.id])
        .await
        .unwrap();
    assert_eq!(known, [(1, seeds[0].stock), (added.id, 9)]);
    assert!(products.get(99_999).await.unwrap().is_none());
    let counted = stock.by_category().await.unwrap();
    let pieces: u64 = counted.iter().map(|(_, pieces)| pieces).sum();
    let expected: u64 = seeds.iter().map(|seed| u64::from(seed.stock)).sum();
    assert_eq!(pieces, expected + 9);
    close(instances).await;
}

async fn products_are_found_by_the_beginnings_of_their_words(place: &Place) {
    let stores = place.open().await;
    for (name, description) in [
        (
            "Plain mug",
            "A cup that some people call a mug, others a beaker, and that holds a lot of tea for long mornings",
        ),
        ("Beaker", "Glass"),
        ("Café-Crème 2x500ml", "for mornings"),
        (
            "C.V. holder",
            "ann@example.com wrote http://example.com/x about it",
        ),
    ] {
        stores.products.add(new(name, description)).await.unwrap();
    }
    for (text, expected) in [
        ("mug", &["Plain mug"][..]),
        // The shorter text that is about the word comes first.
        ("beak", &["Beaker", "Plain mug"]),
        ("MORN tea", &["Plain mug"]),
        ("cafe creme", &["Café-Crème 2x500ml"]),
        ("CAFÉ 2x5", &["Café-Crème 2x500ml"]),
        ("example ann", &["C.V. holder"]),
        ("v hold", &["C.V. holder"]),
        ("morning glass", &[]),
        ("", &[]),
        ("  -- !", &[]),
        ("mug' | 'beaker:*) & ((", &["Plain mug"]),
        ("mug\0zz", &[]),
    ] {
        assert_eq!(names(&stores, text, 0, 10).await, expected, "{text}");
    }
    assert_eq!(names(&stores, "mornings", 0, 1).await.len(), 1);
    assert_eq!(names(&stores, "mornings", 1, 10).await.len(), 1);
    assert!(names(&stores, "mornings", 2, 10).await.is_empty());
    stores.close().await;
}

async fn names(stores: &Stores, text: &str, offset: u32, limit: u32) -> Vec<String> {
    let found = stores
        .products
        .search(text.into(), offset, limit)
        .await
        .unwrap();
    found.into_iter().map(|product| product.name).collect()
}

fn new(name: &str, description: &str) -> NewProduct {
    NewProduct {
        name: name.into(),
        description: description.into(),
        category: "general".into(),
        price: Money::new(100, Currency::Eur),
        stock: 0,
    }
}

async fn close(instances: [Stores; 2]) {
    for stores in instances {
        stores.close().await;
    }
}
