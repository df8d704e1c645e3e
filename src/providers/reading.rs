//! What reading an event's object needs, whichever provider's.

use std::borrow::Cow;

use super::rules::Rules;
use crate::domain::event::{Content, Part, Reference, ReferenceKind};
use crate::domain::fact::{Fact, FactState};
use crate::domain::time::Timestamp;

/// How the object that comes under each type is read; first a list of the types, if one is named.
macro_rules! readings {
    (
        $(#[$of_list:meta])* $list:ident;
        $(#[$of_find:meta])* fn $find:ident -> $object:ident;
        $($($event_type:literal)|+ => $reading:ident,)+
    ) => {
        $(#[$of_list])*
        pub(in crate::providers) const $list: &[&str] = &[$($($event_type,)+)+];

        readings! {
            $(#[$of_find])* fn $find -> $object;
            $($($event_type)|+ => $reading,)+
        }
    };
    (
        $(#[$of_find:meta])* fn $find:ident -> $object:ident;
        $($($event_type:literal)|+ => $reading:ident,)+
    ) => {
        $(#[$of_find])*
        pub(super) fn $find<'a>(
            event_type: &str,
        ) -> Option<fn(&$object<'a>, &Source<'_>) -> Reading> {
            match event_type {
                $($($event_type)|+ => Some($object::$reading),)+
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

/// The content if its ids can be ids. One of the provider's that can't is a mistake and fails the
/// event; free text of the shop's that can't, too long or of several lines, is no order id that
/// anybody could register, and leads nowhere.
pub(super) fn with_fit_ids(content: Content) -> Content {
    let Content::Payments(mut parts) = content else { return content };
    for part in &mut parts {
        part.references.retain(|reference| {
            let is_shops =
                matches!(reference.kind, ReferenceKind::OrderId | ReferenceKind::ClientReference);
            !is_shops || is_fit(&reference.value)
        });
        if let Some(unfit) = part.references.iter().find(|reference| !is_fit(&reference.value)) {
            let kind = unfit.kind.as_str();
            return Content::Failed(
                format!("the {kind}'s id is too long or has a control character").into(),
            );
        }
    }
    Content::Payments(parts)
}

/// No id has more characters, nor can a longer one be registered.
const LONGEST_ID: usize = 255;

fn is_fit(id: &str) -> bool {
    id.chars().take(LONGEST_ID + 1).count() <= LONGEST_ID && !id.contains(char::is_control)
}
