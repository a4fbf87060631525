//! Pages: lists that are too long to be read at once.

/// One page of a list, and where the next one begins.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on, if there is more.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// The page out of what was read for it: one item more than `limit` tells that there is a next page,
    /// which begins after the last item's `cursor`.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(cursor);
        Page { items, next }
    }
}
