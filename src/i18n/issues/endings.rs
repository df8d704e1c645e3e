//! How issues ended.

use super::{Audience, say};
use crate::domain::issue::Ending;
use crate::domain::records::Verdict;
use crate::domain::transaction::DisputeStatus;

/// It takes the place of the detail.
pub(super) fn detail(how: Ending, to: Audience<'_>) -> String {
    match how {
        Ending::Matched { transaction_id } => say!(
            to,
            "It belongs to transaction {transaction_id}.",
            "Il appartient à la transaction {transaction_id}.",
        ),
        Ending::Merged { orphan_id } => say!(
            to,
            "It is part of orphan {orphan_id}.",
            "Il fait partie de l’orphelin {orphan_id}.",
        ),
        Ending::EventsWentElsewhere => {
            say!(to, "Its events went elsewhere.", "Ses événements sont allés ailleurs.",)
        }
        Ending::Foreign => {
            say!(to, "It concerns nobody here.", "Il ne concerne personne ici.")
        }
        Ending::Disowned => say!(
            to,
            "A person said that it is another's.",
            "Une personne a dit qu’il est à quelqu’un d’autre.",
        ),
        Ending::NothingToDo => say!(
            to,
            "A person said that there is nothing to do.",
            "Une personne a dit qu’il n’y a rien à faire.",
        ),
        Ending::MoneyWentBack => say!(to, "The money went back.", "L’argent est reparti."),
        Ending::Decided { status: DisputeStatus::Won } => {
            say!(to, "It was won.", "Il a été gagné.")
        }
        Ending::Decided { status: DisputeStatus::Lost } => {
            say!(to, "It was lost: the money is gone.", "Il a été perdu\u{a0}: l’argent est parti.",)
        }
        Ending::Decided { status: DisputeStatus::Prevented } => say!(
            to,
            "It was resolved before it became a chargeback.",
            "Il a été réglé avant de devenir une rétrofacturation.",
        ),
        Ending::Decided { status: DisputeStatus::InquiryClosed } => say!(
            to,
            "The question ended without a chargeback.",
            "La question s’est terminée sans rétrofacturation.",
        ),
        Ending::Decided { .. } => say!(
            to,
            "It is closed; the provider does not say how.",
            "Il est clos\u{a0}; le prestataire ne dit pas comment.",
        ),
        Ending::CapturedOrLapsed => say!(
            to,
            "It was captured, canceled, or has lapsed.",
            "Elle a été capturée ou annulée, ou a expiré.",
        ),
        Ending::Believed { verdict: Verdict::Confirmed } => say!(
            to,
            "PayPal confirmed what is kept: the other body was forged.",
            "PayPal a confirmé ce qui est gardé\u{a0}: l’autre contenu était falsifié.",
        ),
        Ending::Believed { verdict: Verdict::Replaced | Verdict::Accepted } => say!(
            to,
            "A person has looked: what is kept stands.",
            "Une personne a vérifié\u{a0}: ce qui est gardé reste.",
        ),
    }
}
