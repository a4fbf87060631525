//! One page that a shopper looks at: what was counted in it, and when its state is told.

use uuid::Uuid;

use super::event::{Count, InView, ViewPart};
use super::vitals::PageTimes;

/// Changes of a view are told this long after the first of them, all at once; nanoseconds.
pub(super) const UPDATE_AFTER: u64 = 3_000_000_000;

/// Where a view is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) url: String,
    /// The page's route, such as `/products/{id}`.
    pub(super) name: String,
}

/// Requests that follow each other without the shopper's doing, since `began`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Burst {
    pub(super) began: u64,
    /// When the first byte of the first answer came, and when all of it had.
    pub(super) first_byte: u64,
    pub(super) first: u64,
    /// When the last answer had come.
    pub(super) last: u64,
    pub(super) requests: u32,
}

/// How a page was loaded, once that is known. Times count from the view's begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loaded {
    pub(super) loading_time: u64,
    pub(super) layout_shift: f64,
    /// Of a page that came as a whole.
    pub(super) page: Option<PageTimes>,
}

#[derive(Debug)]
pub(super) struct View {
    pub(super) id: Uuid,
    pub(super) page: Page,
    pub(super) referrer: String,
    pub(super) loading_type: &'static str,
    /// Nanoseconds since the run began.
    pub(super) began: u64,
    pub(super) burst: Burst,
    pub(super) loaded: Option<Loaded>,
    pub(super) interaction: Option<u64>,
    pub(super) counts: Counted,
    /// Of the state that was told last.
    pub(super) version: u32,
    /// When changes are told, if there are any.
    pub(super) update_due: Option<u64>,
}

/// Events of a view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) actions: u32,
    pub(super) errors: u32,
    pub(super) resources: u32,
    pub(super) long_tasks: u32,
    pub(super) frustrations: u32,
}

impl View {
    /// Something changed.
    pub(super) fn changed(&mut self, at: u64) {
        let due = at + UPDATE_AFTER;
        self.update_due = Some(self.update_due.map_or(due, |before| before.min(due)));
    }

    pub(super) fn place(&self) -> InView<'_> {
        InView {
            id: self.id,
            url: &self.page.url,
            referrer: &self.referrer,
            name: &self.page.name,
        }
    }

    /// Its state at a time: of its loading, what has happened until then.
    pub(super) fn state(&self, at: u64, is_active: bool) -> ViewPart<'_> {
        let spent = at.saturating_sub(self.began);
        let reached = |time: u64| (time <= spent).then_some(time);
        let page = self.loaded.and_then(|loaded| loaded.page);
        let of_page = |pick: fn(PageTimes) -> u64| page.map(pick).and_then(reached);
        let count = |count: u32| Count { count };
        ViewPart {
            id: self.id,
            url: &self.page.url,
            referrer: &self.referrer,
            name: &self.page.name,
            loading_type: self.loading_type,
            is_active,
            time_spent: spent,
            loading_time: self.loaded.and_then(|loaded| reached(loaded.loading_time)),
            first_byte: of_page(|page| page.first_byte),
            dom_interactive: of_page(|page| page.dom_interactive),
            dom_content_loaded: of_page(|page| page.dom_content_loaded),
            dom_complete: of_page(|page| page.dom_complete),
            load_event: of_page(|page| page.load_event),
            first_contentful_paint: of_page(|page| page.first_contentful_paint),
            largest_contentful_paint: of_page(|page| page.largest_contentful_paint),
            cumulative_layout_shift: self.loaded.map(|loaded| loaded.layout_shift),
            interaction_to_next_paint: self.interaction,
            action: count(self.counts.actions),
            error: count(self.counts.errors),
            resource: count(self.counts.resources),
            long_task: count(self.counts.long_tasks),
            frustration: count(self.counts.frustrations),
        }
    }
}
