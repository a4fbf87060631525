//! Who shoppers are, and that nothing but seed and number decides it.

use super::*;
use crate::scenario::Exhausted;
use crate::template::{Expr, Generator};
use fixture::{persona, scenario};

fn shoppers(seed: u64, count: u64) -> (ScenarioData, Vec<Shopper>) {
    let world = ScenarioData::new(Arc::new(scenario(seed)), fixture::noon);
    let shoppers = (0..count)
        .map(|index| Shopper::arrive(&world, index).expect("rows wrap round"))
        .collect();
    (world, shoppers)
}

#[test]
fn shoppers_follow_their_personas_shares() {
    let (world, shoppers) = shoppers(9, 4_000);
    let share =
        |is: &dyn Fn(&Shopper) -> bool| shoppers.iter().filter(|shopper| is(shopper)).count();
    assert!((1_850..2_150).contains(&share(&|shopper| shopper.is_returning())));
    assert!((320..480).contains(&share(&|shopper| shopper.declined)));
    assert!((1_850..2_150).contains(&share(&|shopper| shopper.country(&world) == "DE")));
    for pieces in 1..=4 {
        assert!((850..1_150).contains(&share(&|shopper| shopper.basket() == pieces)));
    }
}

#[test]
fn personas_and_journeys_are_drawn_by_weight() {
    let mut scenario = scenario(2);
    let rare = Persona {
        name: "rare".into(),
        weight: 0.25,
        journeys: vec![0.0, 1.0],
        ..persona()
    };
    scenario.journeys.push(scenario.journeys[0].clone());
    scenario.personas.push(rare);
    let world = ScenarioData::new(Arc::new(scenario), fixture::noon);
    let all: Vec<_> = (0..5_000)
        .map(|index| Shopper::arrive(&world, index).expect("rows wrap round"))
        .collect();
    let rare: Vec<_> = all
        .iter()
        .filter(|shopper| world.persona(shopper).name == "rare")
        .collect();
    assert!((880..1_120).contains(&rare.len()), "{}", rare.len());
    assert!(rare.iter().all(|shopper| shopper.journey() == 1));
    assert!(
        all.iter()
            .all(|shopper| shopper.journey() == shopper.persona_index())
    );
}

#[test]
fn seed_and_number_decide_everything() {
    let identity = |seed, index: usize| {
        let (world, mut shoppers) = shoppers(seed, 5);
        let shopper = &mut shoppers[index];
        let email = shopper
            .person(&world)
            .field(crate::template::PersonField::Email)
            .into_owned();
        (
            shopper.session(),
            email,
            shopper.new_uuid(),
            shopper.client(&world),
        )
    };
    assert_eq!(identity(1, 3), identity(1, 3));
    assert_ne!(identity(1, 3).0, identity(1, 4).0);
    assert_ne!(identity(1, 3).0, identity(2, 3).0);
}

/// One more value in a request must not change the ids or the way.
#[test]
fn streams_do_not_disturb_one_another() {
    let (_, mut shoppers) = shoppers(1, 1);
    let mut other = shoppers[0].clone();
    other.data().unit();
    other.walk().unit();
    assert_eq!(other.new_uuid(), shoppers[0].new_uuid());
    assert_eq!(other.session().get_version_num(), 4);
}

#[test]
fn an_exhausted_feeder_drops_the_shopper() {
    let mut scenario = scenario(1);
    scenario.feeders[0].exhausted = Exhausted::Drop;
    let world = ScenarioData::new(Arc::new(scenario), fixture::noon);
    assert!(Shopper::arrive(&world, 2).is_ok());
    let error = Shopper::arrive(&world, 3).expect_err("there are three rows");
    assert_eq!(
        error,
        FeederExhausted {
            feeder: 0,
            shopper: 3
        }
    );
}

#[test]
fn personas_set_variables_on_arrival() {
    let mut scenario = scenario(1);
    scenario.personas[0].set = vec![
        (Slot(1), Expr::Generated(Generator::Shopper)),
        (Slot(99), Expr::Variable(Slot(1))),
    ];
    let world = ScenarioData::new(Arc::new(scenario), fixture::noon);
    let shopper = Shopper::arrive(&world, 2).expect("rows wrap round");
    assert_eq!(*shopper.variable(Slot(1)), Value::Int(2));
    assert_eq!(*shopper.variable(Slot(99)), Value::Unset);
}

/// Ten thousand of them wait at the same time.
#[test]
fn shoppers_are_small() {
    assert!(size_of::<Shopper>() <= 1_280, "{}", size_of::<Shopper>());
}

#[test]
fn worlds_are_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<ScenarioData>();
    shared::<Shopper>();
}

#[test]
fn secrets_are_not_printed() {
    let (world, mut shoppers) = shoppers(1, 1);
    let shopper = &mut shoppers[0];
    shopper.set_variable(Slot(0), Value::Text("bearer-token".into()));
    let password = shopper
        .person(&world)
        .field(crate::template::PersonField::Password)
        .into_owned();
    let printed = format!("{shopper:?} {:?}", shopper.clone().person(&world));
    assert!(
        !printed.contains("bearer-token") && !printed.contains(&password),
        "{printed}"
    );
}
