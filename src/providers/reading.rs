//! What reading an event's object needs, whichever provider's.

use std::borrow::Cow;

use super::rules::Rules;
use crate::domain::event::{Content, Part};
use crate::domain::fact::{Fact, FactState};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::domain::time::Timestamp;

/// How the object that comes under each type is read: by which method, and what the type says to it. First a
/// list of the types, if one is named.
macro_rules! readings {
    (
        $(#[$of_list:meta])* $list:ident;
        $(#[$of_find:meta])* fn $find:ident -> $object:ident;
        $($($event_type:literal)|+ => $reading:ident $(($($argument:expr),+))?,)+
    ) => {
        $(#[$of_list])*
        pub(in crate::providers) const $list: &[&str] = &[$($($event_type,)+)+];

        readings! {
            $(#[$of_find])* fn $find -> $object;
            $($($event_type)|+ => $reading $(($($argument),+))?,)+
        }
    };
    (
        $(#[$of_find:meta])* fn $find:ident -> $object:ident;
        $($($event_type:literal)|+ => $reading:ident $(($($argument:expr),+))?,)+
    ) => {
        $(#[$of_find])*
        pub(super) fn $find<'a>(
            event_type: &str,
        ) -> Option<fn(&$object<'a>, &Source<'_>) -> Reading> {
            match event_type {
                $($($event_type)|+ => {
                    let read: fn(&$object<'a>, &Source<'_>) -> Reading =
                        |object, source| object.$reading(source $($(, $argument)+)?);
                    Some(read)
                })+
                _ => None,
            }
        }
    };
}
pub(super) use readings;

/// Which event says it, and when.
#[derive(Clone, Copy)]
pub(super) struct Source<'e> {
    pub(super) rules: &'e Rules,
    pub(super) event_id: &'e str,
    pub(super) occurred_at: Timestamp,
}

/// What an object means; the error names the field that is missing or wrong, never its value.
pub(super) type Reading = Result<Content, String>;

impl Source<'_> {
    /// What this event says of one object, and nothing more about it yet.
    pub(super) fn fact(&self, object: ReferenceKind, object_id: &str, state: FactState) -> Fact {
        Fact::new(self.occurred_at, self.event_id, object, object_id, state)
    }
}

/// The ids of one payment that an object carries, each once, its own first.
pub(super) struct References(Vec<Reference>);

impl References {
    pub(super) fn new(kind: ReferenceKind, id: &str) -> Self {
        Self(vec![Reference::new(kind, id)])
    }

    pub(super) fn and(mut self, kind: ReferenceKind, id: Option<&str>) -> Self {
        let reference = id.map(|id| Reference::new(kind, id));
        self.0.extend(reference.filter(|reference| !self.0.contains(reference)));
        self
    }

    /// These of the shop's own order ids too.
    pub(super) fn and_order_ids(self, ids: &[Cow<'_, str>]) -> Self {
        ids.iter().fold(self, |all, id| all.and(ReferenceKind::OrderId, Some(id)))
    }

    pub(super) fn with(self, fact: Fact) -> Content {
        Content::Payments(vec![self.part(vec![fact])])
    }

    /// What is said of the payment that has these ids.
    pub(super) fn part(self, facts: Vec<Fact>) -> Part {
        Part { references: self.0, facts }
    }
}
