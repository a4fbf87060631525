//! Who holds the connections of a listener, and who has to give one up for a newcomer.
//!
//! There is no bound for one address alone, since a proxy, an office or a load generator is one address too. All share one
//! bound; when it is reached, whoever holds most gives up what rests longest. So no single address can keep others out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::activity::Activity;

/// Of so many connections one is given up beyond the one that is needed, so that a flood does not search for each.
const EVICTED_PART: usize = 64;

/// The connections of one listener.
pub(super) struct Registry {
    connections_max: usize,
    evicts: bool,
    epoch: Instant,
    held: Mutex<Held>,
    freed: Notify,
}

#[derive(Default)]
struct Held {
    holders: HashMap<IpAddr, HashMap<u64, Arc<Activity>>>,
    total: usize,
    next_id: u64,
}

/// One connection's place; dropped when the connection is closed.
pub(super) struct ConnectionSlot {
    registry: Arc<Registry>,
    holder: IpAddr,
    id: u64,
    activity: Arc<Activity>,
}

impl ConnectionSlot {
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.registry.held().remove(self.holder, self.id);
        self.registry.freed.notify_one();
    }
}

/// Who counts as one client: an address, or the network of one subscriber where addresses cost nothing.
pub(crate) fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    }
}

impl Registry {
    pub(super) fn new(connections_max: usize, evicts: bool) -> Arc<Self> {
        Arc::new(Registry {
            connections_max: connections_max.max(1),
            evicts,
            epoch: Instant::now(),
            held: Mutex::default(),
            freed: Notify::new(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when there is room, or when room can be made for whoever comes.
    pub(super) async fn wait_for_room(&self) {
        while !self.evicts && self.held().total >= self.connections_max {
            self.freed.notified().await;
        }
    }

    /// A place for a new connection of `address`; waits while there is none and none can be made.
    pub(super) async fn slot_when_free(self: &Arc<Self>, address: IpAddr) -> ConnectionSlot {
        let holder = client_of(address);
        loop {
            if let Some(place) = self.slot(holder) {
                return place;
            }
            self.freed.notified().await;
        }
    }

    fn slot(self: &Arc<Self>, holder: IpAddr) -> Option<ConnectionSlot> {
        let mut held = self.held();
        if held.total >= self.connections_max {
            let count = 1 + self.connections_max / EVICTED_PART;
            if !self.evicts || held.evict(count, holder) == 0 {
                return None;
            }
        }
        let activity = Activity::new(self.epoch);
        let id = held.add(holder, Arc::clone(&activity));
        Some(ConnectionSlot {
            registry: Arc::clone(self),
            holder,
            id,
            activity,
        })
    }

    /// Gives up some connections because the process is out of descriptors.
    pub(super) fn shed(&self) {
        let mut held = self.held();
        let count = 1 + held.total / EVICTED_PART;
        if self.evicts {
            held.evict(count, IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        }
    }
}

impl Held {
    fn add(&mut self, holder: IpAddr, activity: Arc<Activity>) -> u64 {
        self.next_id += 1;
        self.total += 1;
        let connections = self.holders.entry(holder).or_default();
        connections.insert(self.next_id, activity);
        self.next_id
    }

    fn remove(&mut self, holder: IpAddr, id: u64) -> Option<Arc<Activity>> {
        let connections = self.holders.get_mut(&holder)?;
        let removed = connections.remove(&id)?;
        if connections.is_empty() {
            self.holders.remove(&holder);
        }
        self.total -= 1;
        Some(removed)
    }

    /// Ends up to `count` connections of whoever holds most and has resting ones; never of one who holds less than the
    /// newcomer. Returns how many.
    fn evict(&mut self, count: usize, newcomer: IpAddr) -> usize {
        let own = self.holders.get(&newcomer).map_or(0, HashMap::len);
        let mut by_size: Vec<(usize, IpAddr)> = self
            .holders
            .iter()
            .map(|(holder, connections)| (connections.len(), *holder))
            .filter(|(size, _)| *size >= own)
            .collect();
        by_size.sort_unstable_by(|left, right| right.cmp(left));
        for (size, holder) in by_size {
            // Nobody is left with less than half of what he has.
            let victims = self.idlest(holder, count.min(size.div_ceil(2)));
            if victims.is_empty() {
                continue;
            }
            for id in &victims {
                if let Some(victim) = self.remove(holder, *id) {
                    victim.evict();
                }
            }
            return victims.len();
        }
        0
    }

    fn idlest(&self, holder: IpAddr, count: usize) -> Vec<u64> {
        let connections = self.holders.get(&holder).into_iter().flatten();
        let mut resting: Vec<((bool, u64), u64)> = connections
            .filter_map(|(id, activity)| Some((activity.idleness()?, *id)))
            .collect();
        let count = count.min(resting.len());
        if count > 0 && count < resting.len() {
            resting.select_nth_unstable(count - 1);
        }
        resting.truncate(count);
        resting.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::activity::Phase;
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    fn take(registry: &Arc<Registry>, last: u8) -> Option<ConnectionSlot> {
        registry.slot(address(last))
    }

    #[test]
    fn whoever_holds_most_gives_up_what_rests_longest() {
        let registry = Registry::new(4, true);
        let hoard: Vec<ConnectionSlot> = (1..4).map(|_| take(&registry, 1).unwrap()).collect();
        for (place, since_ms) in hoard.iter().zip([1, 2, 3]) {
            place.activity().rests_since(since_ms);
        }
        hoard[0].activity().enter(Phase::Working);
        let single = take(&registry, 2).unwrap();
        let newcomer = take(&registry, 3).unwrap();
        let evicted: Vec<bool> = hoard.iter().map(|p| p.activity().is_evicted()).collect();
        assert_eq!(evicted, [false, true, false]);
        assert!(!single.activity().is_evicted() && !newcomer.activity().is_evicted());
        // A place that was given up is not given up a second time when it is dropped.
        drop(hoard);
        assert_eq!(registry.held().total, 2);
    }

    #[test]
    fn who_holds_most_cannot_send_others_away_and_work_is_never_cut_off() {
        let registry = Registry::new(3, true);
        let working: Vec<ConnectionSlot> = (0..2).map(|_| take(&registry, 1).unwrap()).collect();
        for place in &working {
            place.activity().enter(Phase::Working);
        }
        let resting = take(&registry, 2).unwrap();
        assert!(take(&registry, 1).is_none());
        assert!(!resting.activity().is_evicted());
        assert!(take(&registry, 3).is_some());
        assert!(resting.activity().is_evicted());
    }

    #[tokio::test]
    async fn between_services_newcomers_wait_for_a_place() {
        let registry = Registry::new(1, false);
        let first = take(&registry, 1).unwrap();
        assert!(take(&registry, 2).is_none());
        drop(first);
        registry.slot_when_free(address(2)).await;
    }

    #[test]
    fn one_subscriber_is_one_client() {
        let of = |text: &str| client_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
