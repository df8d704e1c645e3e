//! Stories of payments, told in every order.

use super::*;

/// A story, and what must be true at its end in whatever order it is told.
struct Story {
    name: &'static str,
    provider: Provider,
    facts: Vec<Fact>,
    /// Status, received, refunded, dispute.
    end: (Status, i64, i64, Dispute),
    /// The dollars that the shop expects, and what is said of the amount then.
    expected: Option<(i64, AmountCheck)>,
}

/// A table of [`Story`]s: `"name": [facts] => status received back refunded dispute outcome of
/// expected check`. Nothing is refunded, disputed or expected where a row does not say so.
macro_rules! stories {
    ($provider:ident; $($name:literal: [$($fact:expr),+ $(,)?] => $status:ident $received:literal
        $(back $refunded:literal)? $(dispute $dispute:ident)? $(of $expected:literal $check:ident)?;)+
    ) => {
        vec![$(Story {
            name: $name,
            provider: Provider::$provider,
            facts: vec![$($fact),+],
            end: (
                Status::$status,
                $received,
                [$($refunded,)? 0][0],
                [$(Dispute::$dispute,)? Dispute::None][0],
            ),
            expected: [$(Some(($expected, AmountCheck::$check)),)? None][0],
        }),+]
    };
}

#[test]
fn every_order_of_a_story_ends_in_the_same_state() {
    let of_stripe = stripe_stories().into_iter().chain(stripe_stories_from_the_field());
    let of_paypal = paypal_stories().into_iter().chain(paypal_stories_from_the_field());
    for Story { name, provider, facts, end, expected } in of_stripe.chain(of_paypal) {
        let state = state_of_every_order(provider, &facts);
        let told =
            (state.status, state.amount_received, state.amount_refunded, state.dispute_status);
        assert_eq!(told, end, "{name}");
        if let Some((dollars, check)) = expected {
            let checked = fold(provider, expecting(dollars, "USD"), &facts);
            assert_eq!(checked.amount_check, check, "{name}");
        }
    }
}

fn stripe_stories() -> Vec<Story> {
    use FactState::*;
    use ReferenceKind::{CheckoutSession, Invoice, InvoicePayment};
    let session = |state, at| fact(CheckoutSession, "cs_1", state, at);
    let snapshot = |total, at| charge(RefundSnapshot, at).taking(10_000).refunded_so_far(total);
    stories! { Stripe;
        "a card is declined, the next one passes 3-D Secure": [
            intent(Created, 0).worth(2000),
            fact(ReferenceKind::Charge, "ch_0", AttemptFailed, 20).worth(2000).of("pi_1"),
            intent(AttemptFailed, 20).worth(2000),
            intent(RequiresAction, 40).worth(2000),
            charge(Succeeded, 60).taking(2000),
            intent(Succeeded, 61).taking(2000),
        ] => Succeeded 2000;
        "everything happens in one second": [
            intent(Processing, 0).worth(1099),
            charge(Processing, 0).worth(1099),
            charge(Succeeded, 0).taking(1099),
            intent(Succeeded, 0).taking(1099),
        ] => Succeeded 1099;
        "two partial refunds, each told by itself and as a running total": [
            refund("re_1", RefundPending, 100).worth(3000),
            refund("re_1", RefundSucceeded, 102).worth(3000),
            snapshot(3000, 101),
            refund("re_2", RefundSucceeded, 200).worth(2000),
            snapshot(5000, 200),
            intent(Succeeded, 0).taking(10_000),
        ] => PartiallyRefunded 10_000 back 5000;
        "the bank returns a refund a week later": [
            intent(Succeeded, 0).taking(4000),
            refund("re_1", RefundSucceeded, 100).worth(4000),
            charge(RefundSnapshot, 101).taking(4000).refunded_so_far(4000),
            refund("re_1", RefundFailed, 604_900).worth(4000),
        ] => Succeeded 4000;
        "a dispute is won and the money reinstated": [
            charge(Succeeded, 0).taking(5000),
            dispute(DisputeOpen, 100).worth(5000),
            dispute(DisputeOpen, 100).worth(5000),
            dispute(DisputeOpen, 200).worth(5000),
            dispute(DisputeWon, 300).worth(5000),
            dispute(DisputeWon, 300).worth(5000),
        ] => Succeeded 5000 dispute Won;
        "what a refund left is lost in a dispute": [
            charge(Succeeded, 0).taking(5000),
            refund("re_1", RefundSucceeded, 50).worth(1000),
            dispute(DisputeOpen, 100).worth(4000),
            dispute(DisputeLost, 300).worth(4000),
        ] => ChargedBack 5000 back 1000 dispute Lost;
        "the bank asks and is satisfied": [
            intent(Succeeded, 0).taking(2500),
            dispute(DisputeInquiry, 100).worth(2500),
            dispute(DisputeInquiry, 200).worth(2500),
            dispute(DisputeInquiryClosed, 300).worth(2500),
        ] => Succeeded 2500 dispute InquiryClosed;
        "a hold is released, which looks like a refund": [
            intent(Created, 0).worth(6000),
            intent(Authorized, 10).worth(6000),
            charge(Canceled, 100).worth(6000),
            intent(Canceled, 100).worth(6000),
        ] => Canceled 0;
        "a slow method pays three days after the checkout": [
            session(Processing, 0).worth(3800),
            intent(Processing, 0).worth(3800),
            intent(Succeeded, 259_200).taking(3800),
            charge(Succeeded, 259_200).taking(3800),
            session(Succeeded, 259_201).taking(3800),
        ] => Succeeded 3800;
        "an invoice tells of one payment in five ways": [
            fact(Invoice, "in_1", InvoicePaid, 0).taking(28_800),
            fact(Invoice, "in_1", InvoicePaid, 0).taking(28_800),
            fact(InvoicePayment, "inpay_1", InvoicePaymentPaid, 1).taking(28_800),
            charge(Succeeded, 0).taking(28_800),
            intent(Succeeded, 0).taking(28_800),
        ] => Succeeded 28_800;
        "a refund is all that is known": [
            refund("re_1", RefundPending, 0).worth(700),
            refund("re_1", RefundSucceeded, 1).worth(700),
        ] => Pending 0;
        "a dispute is all that is known": [
            dispute(DisputeInquiry, 0).worth(700),
            dispute(DisputeOpen, 9).worth(700),
        ] => Pending 0 dispute Open;
        "a failed refund that is told of again is not taken off twice": [
            charge(Succeeded, 1).taking(10_000),
            refund("re_1", RefundFailed, 2).worth(1000),
            // Of another refund, whose own events were missed; it knows of the failure.
            snapshot(500, 3),
            refund("re_1", RefundFailed, 4).worth(1000),
        ] => PartiallyRefunded 10_000 back 500;
        "no more is refunded than was received": [
            charge(RefundSnapshot, 0).taking(1000).refunded_so_far(5000),
            refund("re_1", RefundSucceeded, 9).worth(7000),
        ] => Refunded 1000 back 1000;
        "a refund in another currency is not subtracted": [
            intent(Succeeded, 0).taking(1000),
            refund("re_1", RefundSucceeded, 9).worth(1000).in_currency("EUR"),
        ] => Succeeded 1000;
        "an outcome that is not told does not outweigh one that is": [
            charge(Succeeded, 0).taking(5000),
            dispute(DisputeWon, 5),
            dispute(DisputeClosed, 9),
        ] => Succeeded 5000 dispute Won;
        "a later second outweighs a later step": [
            intent(AttemptFailed, 0),
            intent(Processing, 1),
            charge(AttemptFailed, 0),
        ] => Processing 0;
        "a cancelled payment intent stays so unless it succeeded": [
            intent(Canceled, 0),
            intent(AttemptFailed, 9),
        ] => Canceled 0;
        "a bill counts where no payment is known": [
            session(Succeeded, 0).taking(900),
        ] => Succeeded 900;
        "a bill does not count beside a payment": [
            session(Succeeded, 0).taking(900),
            intent(Succeeded, 0).taking(800),
        ] => Succeeded 800;
        "nothing due is success without money": [
            session(NoPayment, 0).taking(0),
        ] => Succeeded 0;
        "money taken decides whatever else the object says": [
            charge(Authorized, 0).taking(100),
        ] => Succeeded 100;
    }
}

fn paypal_stories() -> Vec<Story> {
    use FactState::*;
    use ReferenceKind::{Authorization, Order, Sale};
    let refund = |id, state, at| fact(ReferenceKind::Refund, id, state, at);
    let case = |state, at| fact(ReferenceKind::Dispute, "PP-D-1", state, at).of("CAP1");
    stories! { Paypal;
        "a capture of an approved order is held, then completes": [
            fact(Order, "ORDER1", Approved, 0).worth(4250),
            capture("CAP1", Processing, 10).worth(4250),
            capture("CAP1", Succeeded, 500).taking(4250),
        ] => Succeeded 4250;
        "two refunds carry a running total": [
            capture("CAP1", Succeeded, 0).taking(3000),
            refund("REF1", RefundSucceeded, 10).worth(1000).of("CAP1").refunded_so_far(1000),
            refund("REF2", RefundSucceeded, 20).worth(550).of("CAP1").refunded_so_far(1550),
        ] => PartiallyRefunded 3000 back 1550;
        "a sale clears after a week and is refunded": [
            fact(Sale, "SALE1", Processing, 0).worth(1747),
            fact(Sale, "SALE1", Succeeded, 604_800).taking(1747),
            refund("REF1", RefundSucceeded, 864_000).worth(1747).of("SALE1"),
        ] => Refunded 1747 back 1747;
        "a lost case and the reversal tell of the same money": [
            capture("CAP1", Succeeded, 0).taking(9900),
            case(DisputeOpen, 100).worth(9900).changed_at(100),
            case(DisputeOpen, 200).worth(9900).changed_at(200),
            case(DisputeLost, 300).worth(9900).changed_at(300),
            refund("REF1", RefundSucceeded, 301).worth(9900).of("CAP1"),
        ] => ChargedBack 9900 back 9900 dispute Lost;
        "an appeal reopens a lost case, which is then won": [
            capture("CAP1", Succeeded, 0).taking(9900),
            // The events are dated against the order in which the case changed.
            case(DisputeLost, 300).worth(9900).changed_at(100),
            case(DisputeOpen, 200).worth(9900).changed_at(200),
            case(DisputeWon, 100).worth(9900).changed_at(300),
        ] => Succeeded 9900 dispute Won;
        "an appeal reopens a lost case": [
            capture("CAP1", Succeeded, 0).taking(9900),
            case(DisputeLost, 300).worth(9900).changed_at(100),
            case(DisputeOpen, 200).worth(9900).changed_at(200),
        ] => Disputed 9900 dispute Open;
        "a capture is declined, another one completes": [
            capture("CAP1", AttemptFailed, 0).worth(1200),
            capture("CAP2", Succeeded, 60).taking(1200),
        ] => Succeeded 1200;
        "the rest of a hold is voided after a partial capture": [
            fact(Authorization, "AUTH1", Authorized, 0).worth(6000),
            capture("CAP1", Succeeded, 60).taking(2500),
            fact(Authorization, "AUTH1", Canceled, 120).worth(6000),
        ] => Succeeded 2500;
        "a completed order waits for what its captures say": [
            fact(Order, "ORDER1", Approved, 1),
            fact(Order, "ORDER1", OrderCompleted, 2),
        ] => Processing 0;
        "the capture of a completed order fails": [
            fact(Order, "ORDER1", Approved, 1),
            fact(Order, "ORDER1", OrderCompleted, 2),
            capture("CAP1", AttemptFailed, 3),
        ] => Failed 0;
        "a sale and a capture of one id are one payment": [
            fact(Sale, "7YX", Succeeded, 0).taking(1000),
            capture("7YX", Succeeded, 1).taking(1000),
            capture("8YX", Succeeded, 1).taking(50),
        ] => Succeeded 1050;
        "a refund without a parent counts once": [
            capture("CAP1", Succeeded, 0).taking(1000),
            refund("REF1", RefundSucceeded, 9).worth(300),
            refund("REF1", RefundSucceeded, 9).worth(300),
            refund("REF2", RefundSucceeded, 9).worth(200).of("CAP1"),
        ] => PartiallyRefunded 1000 back 500;
        "a running total is read from completed refunds only": [
            capture("CAP1", Succeeded, 0).taking(1000),
            refund("REF1", RefundSucceeded, 9).worth(100).of("CAP1").refunded_so_far(300),
            refund("REF2", RefundFailed, 9).worth(50).of("CAP1").refunded_so_far(900),
        ] => PartiallyRefunded 1000 back 250;
    }
}

/// Cases by which people who do this job lost money.
fn stripe_stories_from_the_field() -> Vec<Story> {
    use FactState::*;
    use ReferenceKind::{Charge, CheckoutSession, Invoice, InvoicePayment, PaymentIntent};
    let put =
        |id, minor, at| fact(InvoicePayment, id, InvoicePaymentPaid, at).taking(minor).of("in_1");
    let captured_in_part = |state, at| charge(state, at).taking_of(6000, 10_000);
    let second_charge = |state, at| fact(Charge, "ch_2", state, at).taking(5000).of("pi_2");
    let in_euros = |fact: Fact| fact.taking(5423).in_currency("EUR");
    let paid_session = || fact(CheckoutSession, "cs_1", Succeeded, 1).by("pi_1");
    stories! { Stripe;
        "a foreign buyer pays in his currency what is asked in the shop's": [
            in_euros(intent(Succeeded, 0)),
            in_euros(charge(Succeeded, 0)),
            in_euros(paid_session()).which_is(4999),
        ] => Succeeded 5423 of 4999 Ok;
        "a foreign buyer pays less than is asked in the shop's currency": [
            in_euros(intent(Succeeded, 0)),
            in_euros(charge(Succeeded, 0)),
            in_euros(paid_session()).which_is(4000),
        ] => Succeeded 5423 of 4999 Underpaid;
        "a charge without an intent is a second payment": [
            intent(Succeeded, 0).taking(5000),
            fact(Charge, "ch_old", Succeeded, 40).taking(5000),
        ] => Succeeded 10_000 of 5000 Overpaid;
        "of two payments one goes back": [
            intent(Succeeded, 0).taking(5000),
            fact(PaymentIntent, "pi_2", Succeeded, 30).taking(5000),
            charge(Succeeded, 0).taking(5000),
            second_charge(Succeeded, 30),
            refund("re_1", RefundSucceeded, 500).worth(5000).of("ch_2").by("pi_2"),
            second_charge(RefundSnapshot, 500).refunded_so_far(5000).refunds_all(true),
        ] => PartiallyRefunded 10_000 back 5000 of 5000 Ok;
        "part of an invoice is paid out of band": [
            intent(Succeeded, 0).taking(4000),
            put("inpay_1", 4000, 0).by("pi_1"),
            put("inpay_2", 6000, 50),
            fact(Invoice, "in_1", InvoicePaid, 50).taking(10_000),
        ] => Succeeded 10_000 of 10_000 Ok;
        "an invoice is paid by a payment that it does not name": [
            fact(Invoice, "in_1", InvoicePaid, 0).taking(28_800),
            intent(Succeeded, 0).taking(28_800),
        ] => Succeeded 28_800 of 28_800 Ok;
        "one payment pays this invoice and another transaction's": [
            fact(Invoice, "in_1", InvoicePaid, 0).taking(6000),
            put("inpay_1", 6000, 0).by("pi_1"),
            intent(Succeeded, 0).taking(10_000),
            charge(RefundSnapshot, 9).taking(10_000).refunded_so_far(3000),
        ] => Succeeded 6000 of 6000 Ok;
        "all of a payment of two invoices goes back": [
            put("inpay_1", 6000, 0).by("pi_1"),
            intent(Succeeded, 0).taking(10_000),
            charge(RefundSnapshot, 9).taking(10_000).refunded_so_far(10_000),
        ] => Refunded 6000 back 6000 of 6000 Ok;
        "an invoice is voided after a failure": [
            fact(Invoice, "in_1", InvoiceAttemptFailed, 50).worth(2900),
            fact(Invoice, "in_1", Canceled, 9).worth(2900),
        ] => Canceled 0 of 2900 Unknown;
        "the first of several captures is told by the intent alone": [
            intent(Authorized, 0).worth(10_000),
            intent(Authorized, 100).taking_of(7000, 10_000),
        ] => Succeeded 7000 of 10_000 Underpaid;
        "a refund is made while the rest is still held": [
            charge(Authorized, 0).worth(10_000),
            charge(Succeeded, 100).taking_of(7000, 10_000).refunded_so_far(0),
            charge(RefundSnapshot, 200).taking_of(7000, 10_000).refunded_so_far(2000),
        ] => PartiallyRefunded 7000 back 2000 of 10_000 Underpaid;
        "the release of an uncaptured rest comes as a refund": [
            intent(Authorized, 0).worth(10_000),
            charge(Authorized, 0).worth(10_000),
            captured_in_part(Succeeded, 600).refunded_so_far(4000).refunds_all(false),
            refund("re_1", RefundSucceeded, 600).worth(4000).by("pi_1"),
            captured_in_part(RefundSnapshot, 600).refunded_so_far(4000).refunds_all(false),
            intent(Succeeded, 600).taking_of(6000, 10_000),
        ] => Succeeded 6000 of 6000 Ok;
        "after the release of the rest all that was taken goes back": [
            captured_in_part(Succeeded, 600).refunded_so_far(4000),
            refund("re_1", RefundSucceeded, 600).worth(4000).by("pi_1"),
            refund("re_2", RefundSucceeded, 900).worth(6000).by("pi_1"),
            captured_in_part(RefundSnapshot, 900).refunded_so_far(10_000).refunds_all(true),
        ] => Refunded 6000 back 6000 of 6000 Ok;
        "a payment captured in part goes back, its release is not counted": [
            captured_in_part(Succeeded, 600).refunded_so_far(0),
            intent(Succeeded, 600).taking_of(6000, 10_000),
            captured_in_part(RefundSnapshot, 9000).refunded_so_far(6000).refunds_all(true),
        ] => Refunded 6000 back 6000 of 6000 Ok;
        "a hold that lapsed is released by a refund that says so": [
            intent(Succeeded, 0).taking(6000),
            refund("re_1", RefundSucceeded, 9).worth(4000).because("expired_uncaptured_charge"),
        ] => Succeeded 6000 of 6000 Ok;
        "one refund hangs under the intent and under the charge": [
            intent(Succeeded, 0).taking(10_000),
            charge(Succeeded, 0).taking(10_000),
            refund("re_1", RefundSucceeded, 100).worth(3000).of("pi_1").by("pi_1"),
            refund("re_1", RefundSucceeded, 101).worth(3000).by("pi_1"),
            charge(RefundSnapshot, 100).taking(10_000).refunded_so_far(3000),
        ] => PartiallyRefunded 10_000 back 3000 of 10_000 Ok;
        "an expired session is recovered": [
            fact(CheckoutSession, "cs_1", Canceled, 0).worth(5000),
            fact(CheckoutSession, "cs_2", Succeeded, 9).taking(5000).by("pi_1"),
            intent(Succeeded, 9).taking(5000),
        ] => Succeeded 5000 of 5000 Ok;
        "a session and an invoice tell of a payment that is not known": [
            fact(CheckoutSession, "cs_1", Succeeded, 9).taking(5000).by("pi_1"),
            fact(Invoice, "in_1", InvoicePaid, 9).taking(5000),
        ] => Succeeded 5000 of 5000 Ok;
    }
}

/// Cases by which people who do this job lost money.
fn paypal_stories_from_the_field() -> Vec<Story> {
    use FactState::*;
    use ReferenceKind::{Authorization, Order};
    let dispute = |state, at| fact(ReferenceKind::Dispute, "PP-1", state, at).of("CAP1");
    let refund = |id, state, at| fact(ReferenceKind::Refund, id, state, at).worth(9900);
    let taken_back = |at| {
        refund("REV1", RefundSucceeded, at).of("CAP1").refunded_so_far(9900).because("reversal")
    };
    let paid = || capture("CAP1", Succeeded, 0).taking(9900);
    let order = |state, at| fact(Order, "O1", state, at).worth(9900);
    stories! { Paypal;
        "a hold is still under review": [
            order(Approved, 0),
            fact(Authorization, "A1", Processing, 1).worth(9900),
        ] => Processing 0 of 9900 Unknown;
        "a hold was denied": [
            order(Approved, 0),
            fact(Authorization, "A1", AttemptFailed, 1).worth(9900),
        ] => Failed 0 of 9900 Unknown;
        "after a declined capture the buyer approves again": [
            order(Approved, 0).changed_at(0),
            capture("CAP1", AttemptFailed, 10).worth(9900).changed_at(9),
            order(Approved, 20).changed_at(19),
        ] => RequiresAction 0 of 9900 Unknown;
        "after a reversal the buyer approves again": [
            order(Approved, 0),
            order(Canceled, 10),
            order(Approved, 20),
        ] => RequiresAction 0 of 9900 Unknown;
        "an approval is reversed": [
            order(Approved, 0),
            order(Canceled, 10),
        ] => Canceled 0 of 9900 Unknown;
        "a lost case is told of again without its outcome": [
            paid(),
            dispute(DisputeOpen, 5),
            dispute(DisputeLost, 10),
            dispute(DisputeClosed, 20),
        ] => ChargedBack 9900 dispute Lost of 9900 Ok;
        "a case that was opened again closes without an outcome": [
            paid(),
            dispute(DisputeLost, 10),
            dispute(DisputeOpen, 20),
            dispute(DisputeClosed, 30),
        ] => Succeeded 9900 dispute Closed of 9900 Ok;
        "money was taken back for a case that is won": [
            paid(),
            dispute(DisputeOpen, 10),
            taken_back(20),
            dispute(DisputeWon, 30),
        ] => Succeeded 9900 dispute Won of 9900 Ok;
        "money was taken back for a case that is lost": [
            paid(),
            dispute(DisputeOpen, 10),
            taken_back(20),
            dispute(DisputeLost, 30),
        ] => ChargedBack 9900 back 9900 dispute Lost of 9900 Ok;
        "a refund that failed says no state before": [
            paid(),
            refund("R1", RefundFailed, 9),
        ] => Succeeded 9900 of 9900 Ok;
    }
}
