//! What the words of the database mean, for a person.

use super::{Text, Words};
use crate::domain::delivery::{DeliveryStatus, NoAnswer};
use crate::domain::fact::FactState;
use crate::domain::issue::{IssueKind, IssueStatus, Severity};
use crate::domain::language::Language;
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::records::Outcome;
use crate::domain::reference::ReferenceKind;
use crate::domain::transaction::{AmountCheck, DisputeStatus, Status};

names! {
    /// Where a payment stands.
    status: Status {
        Pending = "pending", "en attente";
        RequiresAction = "requires action", "action requise";
        Processing = "processing", "traitement en cours";
        Authorized = "authorized", "autorisé";
        Failed = "failed", "échec";
        Canceled = "canceled", "annulé";
        Succeeded = "succeeded", "réussi";
        PartiallyRefunded = "partially refunded", "partiellement remboursé";
        Refunded = "refunded", "remboursé";
        Disputed = "disputed", "contesté";
        ChargedBack = "charged back", "rétrofacturé";
    }

    /// What an id names.
    reference: ReferenceKind {
        PaymentIntent = "PaymentIntent", "PaymentIntent";
        CheckoutSession = "Checkout Session", "Checkout Session";
        InvoicePayment = "InvoicePayment", "InvoicePayment";
        Charge = "charge", "Charge";
        Invoice = "invoice", "facture";
        CashBalance = "cash balance", "solde du client";
        Order = "PayPal order", "commande PayPal";
        Authorization = "authorization", "autorisation";
        Capture = "capture", "capture";
        Sale = "sale", "vente";
        Payment = "payment", "paiement";
        Refund = "refund", "remboursement";
        Dispute = "dispute", "litige";
        FraudWarning = "early fraud warning", "alerte de fraude";
        Review = "review", "vérification";
        Subscription = "subscription", "abonnement";
        OrderId = "order", "commande";
        ClientReference = "client reference", "commande";
        Other = "id", "identifiant";
    }

    /// Whether the amount is what was expected.
    amount_check: AmountCheck {
        Unknown = "not checked", "non vérifié";
        Ok = "as expected", "conforme";
        Underpaid = "too little", "insuffisant";
        Overpaid = "too much", "trop-perçu";
        WrongCurrency = "wrong currency", "autre devise";
    }

    /// Where disputes stand.
    dispute: DisputeStatus {
        None = "none", "aucun";
        Inquiry = "inquiry", "demande d’informations";
        InquiryClosed = "inquiry closed", "demande close";
        Open = "dispute open", "litige ouvert";
        Won = "dispute won", "litige gagné";
        Lost = "dispute lost", "litige perdu";
        Prevented = "dispute prevented", "litige évité";
        Closed = "dispute closed", "litige clos";
    }

    /// What an event says of an object.
    fact: FactState {
        Created = "created", "créé";
        RequiresAction = "requires action", "action requise";
        Processing = "processing", "traitement en cours";
        Authorized = "authorized", "autorisé";
        Succeeded = "paid", "payé";
        AttemptFailed = "attempt failed", "échec de la tentative";
        Canceled = "canceled", "annulé";
        Approved = "approved", "approuvé";
        OrderCompleted = "completed", "terminé";
        RefundPending = "pending", "en attente";
        RefundSucceeded = "succeeded", "réussi";
        RefundFailed = "failed", "échec";
        RefundCanceled = "canceled", "annulé";
        RefundSnapshot = "refunded so far", "remboursé jusqu’ici";
        DisputeInquiry = "inquiry", "demande d’informations";
        DisputeInquiryClosed = "inquiry closed", "demande close";
        DisputeOpen = "open", "ouvert";
        DisputeWon = "won", "gagné";
        DisputeLost = "lost", "perdu";
        DisputePrevented = "prevented", "évité";
        DisputeClosed = "closed", "clos";
        InvoicePaid = "paid", "payé";
        InvoiceAttemptFailed = "attempt failed", "échec de la tentative";
        InvoiceRequiresAction = "requires action", "action requise";
        InvoicePaymentPaid = "paid", "payé";
        NoPayment = "nothing due", "rien à payer";
        FraudWarning = "fraud suspected", "fraude suspectée";
        ReviewOpened = "opened", "ouvert";
        ReviewClosed = "closed", "clos";
        CashFunded = "held at Stripe", "détenu par Stripe";
        CashApplied = "applied to a payment", "affecté à un paiement";
        Conflict = "contradictory", "contradictoire";
    }

    /// What became of an event.
    outcome: Outcome {
        Processed = "applied", "appliqué";
        Ignored = "ignored", "ignoré";
        Orphan = "orphan", "orphelin";
        Failed = "failed", "échec";
    }

    /// Why an orphan is one, in two words.
    orphan_kind: OrphanKind {
        Early = "not registered", "non enregistré";
        LateLink = "payment not seen yet", "paiement pas encore vu";
        Unlinkable = "no usable id", "sans identifiant utile";
        Foreign = "another shop’s", "d’une autre boutique";
        WrongEnvironment = "wrong mode", "mauvais mode";
        LateMoney = "late payment", "paiement tardif";
        Ambiguous = "several transactions", "plusieurs transactions";
        Mismatch = "amount does not match", "montant différent";
    }

    /// What an orphan is about, in a word.
    orphan_about: OrphanAbout {
        Payment = "payment", "paiement";
        Attempt = "attempt", "tentative";
        Invoice = "unpaid invoice", "facture impayée";
        Refund = "refund", "remboursement";
        Reversal = "reversal", "reprise";
        Dispute = "dispute", "litige";
    }

    /// The same as the beginning of a title.
    orphan_title: OrphanAbout {
        Payment = "Payment without a transaction", "Paiement sans transaction";
        Attempt = "Attempt to pay without a transaction", "Tentative de paiement sans transaction";
        Invoice = "Unpaid invoice without a transaction", "Facture impayée sans transaction";
        Refund = "Refund without a transaction", "Remboursement sans transaction";
        Reversal = "Reversal without a transaction", "Reprise d’argent sans transaction";
        Dispute = "Dispute without a transaction", "Litige sans transaction";
    }

    /// What an orphan means and what to do, as a phrase.
    orphan_meaning: OrphanKind {
        Early =
            "no transaction is registered for this payment: register it, or attach it to one",
            "aucune transaction n’est enregistrée pour ce paiement\u{a0}: enregistrez-la, ou \
             rattachez-le à une autre";
        LateLink =
            "the payment that it belongs to has not been seen yet: it is linked automatically \
             when that comes; otherwise attach it",
            "le paiement auquel il appartient n’a pas encore été vu\u{a0}: il sera relié \
             automatiquement à son arrivée\u{a0}; sinon, rattachez-le";
        Unlinkable =
            "it carries no id by which a transaction could be found: look it up at the provider, and attach \
             it",
            "il ne porte aucun identifiant menant à une transaction\u{a0}: cherchez-le chez le prestataire, \
             et rattachez-le";
        Foreign =
            "it belongs to somebody else who uses the same account at the provider",
            "il appartient à quelqu’un d’autre qui utilise le même compte chez le prestataire";
        WrongEnvironment =
            "it is a test payment at a daemon in live mode, or the reverse: check which endpoint \
             and secret belong to which mode",
            "c’est un paiement de test chez un service en mode production, ou l’inverse\u{a0}: \
             vérifiez à quel mode appartiennent l’adresse et le secret";
        LateMoney =
            "the shop had closed the transaction when the payment came: refund it at the \
             provider, or reopen the transaction",
            "la boutique avait clôturé la transaction quand le paiement est arrivé\u{a0}: \
             remboursez-le chez le prestataire, ou rouvrez la transaction";
        Ambiguous =
            "its ids lead to several transactions: check which of them it pays for, and attach it",
            "ses identifiants mènent à plusieurs transactions\u{a0}: vérifiez laquelle il paie, \
             et rattachez-le";
        Mismatch =
            "only its order id leads to a transaction, and that expects more or another currency: check who \
             paid it, then attach it or refund it",
            "seul son numéro de commande mène à une transaction, qui attend davantage ou une autre \
             devise\u{a0}: vérifiez qui l’a payé, puis rattachez-le ou remboursez-le";
    }

    /// Where a delivery stands.
    delivery_status: DeliveryStatus {
        Pending = "pending", "en attente";
        Delivered = "delivered", "transmise";
        Dead = "failed", "échec";
    }

    /// Why an attempt brought no answer.
    no_answer: NoAnswer {
        Timeout = "timed out", "délai dépassé";
        Connect = "no connection", "connexion impossible";
        Tls = "no secure connection", "connexion sécurisée impossible";
        Closed = "connection closed", "connexion fermée";
        Protocol = "not HTTP", "réponse non HTTP";
        Start = "command not started", "commande non lancée";
        Killed = "command killed", "commande arrêtée";
        Fault = "internal error", "erreur interne";
    }

    /// How much an issue matters.
    severity: Severity {
        Notice = "notice", "information";
        Warning = "warning", "avertissement";
        Critical = "critical", "critique";
    }

    /// Where issues stand.
    issue_status: IssueStatus {
        Open = "Open", "Ouverts";
        Dismissed = "Dismissed", "Écartés";
        Closed = "Closed", "Fermés";
    }

    /// What is wrong, in two or three words.
    issue_kind: IssueKind {
        Orphan = "orphan", "orphelin";
        LateMoney = "late payment", "paiement tardif";
        AmountMismatch = "wrong amount", "mauvais montant";
        Dispute = "dispute", "litige";
        UncapturedOrder = "not captured", "non capturé";
        MerchantAction = "held by PayPal", "retenu par PayPal";
        Authorization = "authorization lapses", "autorisation qui expire";
        Refund = "refund trouble", "remboursement en échec";
        FraudWarning = "fraud warning", "alerte de fraude";
        Payout = "payout failed", "virement échoué";
        App = "app out of reach", "application injoignable";
        FailedEvent = "failed event", "événement en échec";
        DeadLetter = "app not notified", "application non notifiée";
        RefusedSignatures = "invalid signatures", "signatures non valides";
        Silence = "silence", "silence";
        Disk = "disk", "disque";
        HeldWal = "WAL held", "WAL retenu";
        Task = "background task", "tâche de fond";
        Database = "database", "base de données";
        EventLog = "event log", "journal des événements";
        Certificate = "certificate", "certificat";
        Clock = "clock", "horloge";
        Endpoint = "endpoint", "adresse de webhook";
        Reconcile = "reconciliation", "rapprochement";
        Discrepancy = "discrepancy", "divergence";
        DoubtfulEvent = "doubtful event", "événement douteux";
        UnknownSubscription = "unknown subscription", "abonnement inconnu";
        EndedSubscription = "ended subscription", "abonnement terminé";
    }
}
