//! What is asked in one way of several tables: what differs stands beside the SQL of each.

use super::reader::Reader;
use crate::domain::records::{Listed, Page, Span, Sums};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;

/// Records with numbers: the ids of their rows.
pub trait Get: Sized {
    /// See [`Reader::get`].
    fn get(reader: &Reader, number: i64) -> Result<Option<Self>, StoreError>;
}

/// Records that people and programs name by several kinds of id.
pub trait Find: Sized {
    /// See [`Reader::find`].
    fn find(reader: &Reader, id: &str) -> Result<Vec<Self>, StoreError>;
}

/// Records of which another has several.
pub trait Of: Sized {
    /// See [`Reader::of`].
    fn of(reader: &Reader, whole: i64) -> Result<Vec<Self>, StoreError>;
}

/// Records of which all is told at once.
pub trait Detailed {
    /// All of it.
    type Detail;

    /// See [`Reader::detail`].
    fn detail(&self, reader: &Reader) -> Result<Self::Detail, StoreError>;
}

/// Which rows of a list.
pub trait List {
    /// One of them.
    type Row;

    /// See [`Reader::list`].
    fn list(&self, reader: &Reader, page: Page) -> Result<Listed<Self::Row>, StoreError>;
}

/// What is searched for.
pub trait Search {
    /// What a page of the search gives.
    type Found;

    /// See [`Reader::search`].
    fn search(&self, reader: &Reader, page: Page) -> Result<Self::Found, StoreError>;
}

/// What is to be done at a time.
pub trait Due: Sized {
    /// Whose it is.
    type Whose<'w>;

    /// See [`Reader::due`].
    fn due(
        reader: &Reader,
        whose: Self::Whose<'_>,
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<Self>, Option<Timestamp>), StoreError>;
}

/// What the shop's books are made of.
pub trait Entered: Sized {
    /// See [`Reader::each`].
    fn each<E: From<StoreError>>(
        reader: &Reader,
        span: &Span,
        each: impl FnMut(&Self) -> Result<(), E>,
    ) -> Result<(), E>;
}

/// What is summed up in the tables, too.
pub trait Summed: Entered {
    /// See [`Reader::sums`].
    fn sums(reader: &Reader, span: &Span) -> Result<Sums, StoreError>;
}

impl Reader {
    /// The event (with its payload), orphan, transaction or issue with this number.
    pub fn get<T: Get>(&self, number: i64) -> Result<Option<T>, StoreError> {
        T::get(self, number)
    }

    /// What `id` may mean, by number: a transaction's number, or any id that is known for it, the
    /// shop's order id among them; an event's number or the provider's id of it; an orphan's number, any
    /// id or order id that its events carry; a delivery's number or `msg_…`. Events have their payloads.
    pub fn find<T: Find>(&self, id: &str) -> Result<Vec<T>, StoreError> {
        T::find(self, id)
    }

    /// What there is of the record with this number, oldest first: the changes of a transaction; the
    /// events (without payloads), the facts, and the ids in them, of a payment, be it a transaction or an
    /// orphan; the attempts at a delivery that are still kept. Nothing if there is no such record.
    pub fn of<T: Of>(&self, whole: i64) -> Result<Vec<T>, StoreError> {
        T::of(self, whole)
    }

    /// All that is known of a record, for whoever wants to understand it: the story of an event, the
    /// dossier of a transaction.
    pub fn detail<T: Detailed>(&self, record: &T) -> Result<T::Detail, StoreError> {
        record.detail(self)
    }

    /// A page of what passes the filter: transactions, events (without payloads), orphans, deliveries,
    /// issues.
    pub fn list<F: List>(&self, filter: &F, page: Page) -> Result<Listed<F::Row>, StoreError> {
        filter.list(self, page)
    }

    /// A page of what a search finds, which costs the same however many rows there are.
    pub fn search<S: Search>(&self, search: &S, page: Page) -> Result<S::Found, StoreError> {
        search.search(self, page)
    }

    /// At most `limit` of what is to be done by `now`, what waits longest first: messages to the shop's
    /// app, alerts and daily reports of a target, questions to a provider, orphans that are to be raised.
    /// And when the next of it is due, for who waits for that: of messages and alerts.
    pub fn due<T: Due>(
        &self,
        whose: T::Whose<'_>,
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<T>, Option<Timestamp>), StoreError> {
        T::due(self, whose, now, limit)
    }

    /// Gives `each` what is entered in the shop's books for the span: transactions by when they were
    /// registered; refunds, of all times, so that whoever asks looks at the span; disputes by when they
    /// began, as they stand; orphans by when their first event came, resolved or not.
    pub fn each<T: Entered, E: From<StoreError>>(
        &self,
        span: &Span,
        each: impl FnMut(&T) -> Result<(), E>,
    ) -> Result<(), E> {
        T::each(self, span, each)
    }

    /// What they must come to.
    pub fn sums<T: Summed>(&self, span: &Span) -> Result<Sums, StoreError> {
        T::sums(self, span)
    }
}
