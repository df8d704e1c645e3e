//! What is kept, as values: a row of a table, what is asked of the store, and what it answers.

mod alert;
mod certificate;
mod chain;
mod delivery;
mod event;
mod health;
mod issue;
mod lookup;
mod loss;
mod numbers;
mod orphan;
mod page;
mod pruned;
mod reconcile;
mod refold;
mod replay;
mod subscription;
mod sums;
mod transaction;

pub use alert::{DueAlert, DueReport, Sent};
pub use certificate::StoredCertificate;
pub use chain::{Continuation, Hash, Head, LinkKind, LogChange, LogFault, LogProof, hex, unhex};
pub use delivery::{Attempt, Committed, Delivery, DueMessage, Many, Retried, StoredAttempt};
pub use event::{
    Applied, CausedChange, EventDetail, FoundEvents, Ingested, Lead, Matched, Outcome,
    RejectedRequest, Replayed, USER_AGENT_CHARS, Verdict, Webhook, WebhookLog,
};
pub use health::{OwedAlerts, StoreHealth};
pub use issue::{Details, Dismissed, Issue};
pub use lookup::{AskSubject, Asked, DueAsk, Kept};
pub use loss::Loss;
pub use numbers::Numbers;
pub use orphan::{
    By, Candidate, Decision, OpenOrphans, Orphan, OrphanFigures, Resolution, Searched,
};
pub use page::{
    DeliveryFilter, EventFilter, IssueFilter, IssuesByWeight, Listed, OrphanFilter, Page,
    TransactionFilter,
};
pub use pruned::Pruned;
pub use reconcile::{Cause, Found};
pub use refold::{Differing, Refolding};
pub use replay::{Forgotten, Left, ReadAgain, Replayable, Reread, RereadResult};
pub use subscription::{
    NewSubscription, OfSubscription, Subscribed, Subscription, SubscriptionFilter,
};
pub use sums::{
    DeliveryFigures, DisputeRaised, Figures, Histogram, MoneyFigures, RefundMade, Span, Sum, Sums,
};
pub use transaction::{
    Change, ChangedTransaction, Closed, LapsingAuthorization, NewTransaction, Registered, Settled,
    StuckRefund, Transaction, TransactionDetail,
};
