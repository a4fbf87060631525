//! Applying converges, whatever was there before and wherever it was interrupted. The server here is a list in memory.

use std::collections::BTreeSet;

use alerting::object::{Ids, Key, Kind, Link, Object, Origin, Remote, resolve};
use alerting::plan::{Action, Guard, Operation, Options, Plan, plan};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A set of definitions: for each name its kind, a revision of its content, and which earlier one it links to.
type Shape = Vec<(u8, u8, u8)>;

fn objects(shape: &Shape) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::new();
    for (index, (kind, revision, target)) in shape.iter().enumerate() {
        // A kind of 0 is a gap: the name is not defined in this version of the files.
        let Some(kind) = kind
            .checked_sub(1)
            .and_then(|kind| Kind::ALL.get(usize::from(kind)))
        else {
            continue;
        };
        let link = objects
            .get(usize::from(*target))
            .filter(|object| object.kind != Kind::Dashboard);
        let link = link
            .map(|object| format!("${{{}:{}}}", object.kind, object.key.name))
            .unwrap_or_default();
        objects.push(object(*kind, &format!("n{index}"), *revision, &link));
    }
    objects
}

fn object(kind: Kind, name: &str, revision: u8, link: &str) -> Object {
    let key = Key::new("shop", name);
    let text = format!("revision {revision} {link}");
    let payload = match kind {
        Kind::Dashboard => {
            json!({ "title": name, "description": format!("{text}\n\n{}", key.marker_line()) })
        }
        Kind::Slo => {
            json!({ "name": name, "description": text, "tags": ["managed-by:monitors", key.tag()] })
        }
        Kind::Monitor => {
            json!({ "name": name, "message": text, "tags": ["managed-by:monitors", key.tag()] })
        }
    };
    Object {
        kind,
        key,
        title: name.to_owned(),
        payload,
        adopt: None,
        origin: Origin::default(),
    }
}

#[derive(Default)]
struct Server {
    objects: Vec<Remote>,
    created: u64,
}

impl Server {
    /// Does what the API would do; a link to something that does not exist fails the test.
    fn execute(&mut self, operation: &Operation, ids: &mut Ids) {
        let payload = operation.payload.as_ref().map(|payload| {
            let (payload, missing) = resolve(payload, ids);
            assert_eq!(missing, [], "{} comes too early", operation.key);
            payload
        });
        let at = operation
            .id
            .as_ref()
            .map(|id| self.position(operation.kind, id));
        match (operation.action, payload, at) {
            (Action::Delete, None, Some(at)) => drop(self.objects.remove(at)),
            (Action::Create, Some(payload), None) => {
                self.created += 1;
                let made = with_id(operation.kind, &self.created.to_string(), payload);
                let link = Link {
                    kind: operation.kind,
                    name: operation.key.name.clone(),
                };
                ids.insert(link, made.id.clone());
                self.objects.push(made);
            }
            (Action::Update | Action::Adopt, Some(payload), Some(at)) => {
                self.objects[at] = with_id(operation.kind, &self.objects[at].id, payload);
            }
            other => panic!("an operation of another shape: {other:?}"),
        }
    }

    fn position(&self, kind: Kind, id: &str) -> usize {
        let found = self
            .objects
            .iter()
            .position(|remote| remote.kind == kind && remote.id == id);
        found.expect("the operation names an object that exists")
    }

    /// Plans and executes at most `steps` operations; says whether that was all.
    fn apply(&mut self, local: &[Object], steps: usize) -> bool {
        let plan = planned(local, &self.objects);
        let mut ids = plan.ids.clone();
        plan.operations
            .iter()
            .take(steps)
            .for_each(|operation| self.execute(operation, &mut ids));
        steps >= plan.operations.len()
    }
}

fn with_id(kind: Kind, id: &str, mut payload: Value) -> Remote {
    payload["id"] = json!(id);
    Remote::new(kind, payload).expect("an id")
}

fn planned(local: &[Object], remote: &[Remote]) -> Plan {
    let guard = Guard {
        allow_delete_all: true,
        ..Guard::default()
    };
    let options = Options {
        guard,
        ..Options::new("shop")
    };
    plan(local, remote, &options).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop::collection::vec((0..4u8, 0..2u8, 0..8u8), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// From any earlier version, stopped after any number of operations, the next applies end with exactly what the
    /// files say: nothing twice, nothing left over, nothing to do.
    #[test]
    fn an_interrupted_apply_is_finished_by_the_next(before in shapes(), after in shapes(), stops in prop::collection::vec(0..12usize, 0..4)) {
        let mut server = Server::default();
        server.apply(&objects(&before), usize::MAX);
        let wanted = objects(&after);
        for steps in stops {
            server.apply(&wanted, steps);
        }
        prop_assert!(server.apply(&wanted, usize::MAX));
        let plan = planned(&wanted, &server.objects);
        prop_assert_eq!(&plan.operations, &[]);
        let keys: BTreeSet<(Kind, Option<Key>)> = server.objects.iter().map(|remote| (remote.kind, remote.key())).collect();
        prop_assert_eq!(keys.len(), server.objects.len());
        prop_assert_eq!(server.objects.len(), wanted.len());
    }

    /// Objects of other owners are never named by an operation.
    #[test]
    fn other_owners_are_left_alone(after in shapes(), foreign in shapes()) {
        let mut server = Server::default();
        let mut foreign = objects(&foreign);
        for object in &mut foreign {
            object.payload["tags"] = json!(["managed-by:monitors", format!("key:elsewhere.{}", object.key.name)]);
            object.payload["description"] = json!("by hand");
        }
        for (index, object) in foreign.iter().enumerate() {
            server.objects.push(with_id(object.kind, &format!("foreign-{index}"), object.payload.clone()));
        }
        let ids = planned(&objects(&after), &server.objects).operations.into_iter().filter_map(|operation| operation.id);
        prop_assert_eq!(ids.count(), 0);
    }
}
