//! A Poisson process of a known number of arrivals, with random access.
//!
//! Given their number, the arrivals of a Poisson process are independent and evenly spread over the area under the
//! rate. Instead of drawing and sorting all of them, the area is halved again and again: how many of `count` arrivals
//! fall into the left half is Binomial(count, ½), drawn by a generator that belongs to that node alone. A leaf of few
//! arrivals draws and sorts their positions. So the n-th arrival costs one descent, and a walk in order visits
//! each node once. Must not know: the shape of the rate, time.

use rand::RngCore;
use rand::distr::Distribution;
use rand_distr::Binomial;

use crate::rng::{ShopperRng, UNIT};

/// Arrivals in a leaf: as many words as one refill of the generator gives.
const LEAF_ARRIVALS_MAX: u64 = 32;

/// Up to this many arrivals are split by counting bits (exact, without floating point), more by rejection sampling.
const BIT_SPLIT_ARRIVALS_MAX: u64 = 2_048;

/// Halvings at most; 2⁴⁸ leaves are more than any run has.
const DEPTH_MAX: u32 = 48;

/// The arrivals of one process, as positions in `[0, 1)` of its area.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scatter {
    seed: u64,
    /// Tells the processes of one run apart (a run has several once its rate was changed by hand).
    process: u64,
    count: u64,
}

/// A half of a half of …: node `id` of a binary heap (root 1), which holds `count` arrivals from number `first` on.
#[derive(Debug, Clone, Copy)]
struct Node {
    id: u64,
    first: u64,
    count: u64,
}

/// A place in the tree that remembers its way, so that going forward is cheap.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    scatter: Scatter,
    /// Nodes to the right of the leaf, nearest last.
    ahead: Vec<Node>,
    leaf: Node,
    /// Sorted positions within the leaf as fractions of 2⁶⁴.
    positions: Vec<u64>,
}

impl Scatter {
    pub(super) fn new(seed: u64, count: u64) -> Self {
        Self {
            seed,
            process: 0,
            count,
        }
    }

    /// Another process of the same run, independent of this one.
    pub(super) fn successor(&self, count: u64) -> Self {
        Self {
            seed: self.seed,
            process: self.process + 1,
            count,
        }
    }

    /// Position of arrival `index`, which must be below the count.
    pub(super) fn position(&self, index: u64) -> f64 {
        self.walk().position(index)
    }

    pub(super) fn walk(&self) -> Walk {
        let leaf = Node {
            id: 0,
            first: 0,
            count: 0,
        };
        Walk {
            scatter: *self,
            ahead: Vec::new(),
            leaf,
            positions: Vec::new(),
        }
    }

    /// About how many arrivals lie below `position`: exact but for rounding at `position` itself.
    pub(super) fn count_below(&self, position: f64) -> u64 {
        let mut node = self.root();
        while !node.is_leaf() {
            let (left, right) = self.split(node);
            node = if position < right.begin() {
                left
            } else {
                right
            };
        }
        let positions = self.leaf_positions(node, Vec::new());
        node.first + positions.partition_point(|place| node.position(*place) < position) as u64
    }

    fn root(&self) -> Node {
        Node {
            id: 1,
            first: 0,
            count: self.count,
        }
    }

    fn generator(&self, node: Node) -> ShopperRng {
        // Node numbers stay below 2⁴⁹, which leaves room for more processes than anyone presses keys.
        ShopperRng::new(
            self.seed,
            "arrivals",
            node.id | self.process << (DEPTH_MAX + 2),
        )
    }

    fn split(&self, node: Node) -> (Node, Node) {
        let taken = half_of(node.count, &mut self.generator(node));
        let left = Node {
            id: node.id * 2,
            first: node.first,
            count: taken,
        };
        let right = Node {
            id: node.id * 2 + 1,
            first: node.first + taken,
            count: node.count - taken,
        };
        (left, right)
    }

    fn leaf_positions(&self, node: Node, mut positions: Vec<u64>) -> Vec<u64> {
        let mut generator = self.generator(node);
        positions.clear();
        positions.extend((0..node.count).map(|_| generator.next_u64()));
        positions.sort_unstable();
        positions
    }
}

impl Walk {
    /// Position of arrival `index`, which must be below the count. Cheap when indices rise.
    pub(super) fn position(&mut self, index: u64) -> f64 {
        if !self.leaf.holds(index) {
            self.go_to(index);
        }
        self.leaf
            .position(self.positions[(index - self.leaf.first) as usize])
    }

    fn go_to(&mut self, index: u64) {
        if self.leaf.id == 0 || index < self.leaf.first {
            self.ahead.clear();
            self.ahead.push(self.scatter.root());
        }
        while let Some(node) = self.ahead.pop() {
            if !node.holds(index) {
                continue;
            }
            if node.is_leaf() {
                self.positions = self
                    .scatter
                    .leaf_positions(node, std::mem::take(&mut self.positions));
                self.leaf = node;
                return;
            }
            let (left, right) = self.scatter.split(node);
            self.ahead.extend([right, left]);
        }
    }
}

impl Node {
    fn depth(self) -> u32 {
        self.id.ilog2()
    }

    fn is_leaf(self) -> bool {
        self.count <= LEAF_ARRIVALS_MAX || self.depth() >= DEPTH_MAX
    }

    fn holds(self, index: u64) -> bool {
        (self.first..self.first + self.count).contains(&index)
    }

    fn begin(self) -> f64 {
        self.position(0)
    }

    /// `place` is a fraction of 2⁶⁴ of this node's share.
    fn position(self, place: u64) -> f64 {
        let whole = 1_u64 << self.depth();
        ((self.id - whole) as f64 + (place >> 11) as f64 * UNIT) / whole as f64
    }
}

/// A draw from Binomial(count, ½).
fn half_of(count: u64, generator: &mut ShopperRng) -> u64 {
    match Binomial::new(count, 0.5) {
        Ok(binomial) if count > BIT_SPLIT_ARRIVALS_MAX => binomial.sample(generator).min(count),
        _ => count_bits(count, generator),
    }
}

/// Fair coins, 64 at a time.
fn count_bits(count: u64, generator: &mut ShopperRng) -> u64 {
    let words: u64 = (0..count / 64)
        .map(|_| u64::from(generator.next_u64().count_ones()))
        .sum();
    let rest = generator.next_u64() & ((1 << (count % 64)) - 1);
    words + u64::from(rest.count_ones())
}
