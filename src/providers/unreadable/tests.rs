use proptest::prelude::*;

use super::*;

fn read(provider: Provider, body: &[u8]) -> Result<Event, Refusal> {
    let body = Verified { payload: body, proof: Proof::Kept };
    super::super::read(provider, &body, false, &Rules::default())
}

fn why(event: &Event) -> &str {
    match &event.content {
        Content::Failed(why) => why,
        content => panic!("{}: {content:?}", event.id),
    }
}

fn stripe(id: &str, intent: &str) -> String {
    format!(
        r#"{{"id":{id},"object":"event","created":1794990000,"livemode":true,
             "type":"payment_intent.succeeded","data":{{"object":{{"object":"payment_intent",
             "currency":"eur","status":"succeeded",{intent}}}}}}}"#
    )
}

const INTENT: &str = r#""id":"pi_1","amount":4999,"amount_received":4999"#;

#[test]
fn an_id_that_can_be_kept_is_and_another_gives_way_to_the_hash_of_the_body() {
    for (id, intent, expected) in [
        (r#""evt_1""#, r#""id":"pi_\ud800","amount":1,"amount_received":1"#, "evt_1"),
        (r#""evt_1""#, r#""id":"pi_\u0000","amount":1,"amount_received":1"#, "evt_1"),
        (r#""evt_1""#, r#""id":"pi_1","amount":1e400,"amount_received":1"#, "evt_1"),
        (r#""evt_1""#, r#""id":"pi_1","amount":1,"amount_received":18446744073709551616"#, "evt_1"),
        (
            r#""evt_1""#,
            r#""id":"pi_1","amount":1,"amount_received":1,"amount_received":2"#,
            "evt_1",
        ),
        (r#""evt_\ud800""#, INTENT, UNREADABLE),
        (r#""evt_\u0000""#, INTENT, UNREADABLE),
        (r#""evt_1","id":"evt_2""#, INTENT, UNREADABLE),
        (&format!(r#""{}""#, "e".repeat(256)), INTENT, UNREADABLE),
    ] {
        let body = stripe(id, intent);
        let event = read(Provider::Stripe, body.as_bytes()).expect("an event");
        assert!(event.id.starts_with(expected), "{body}: {}", event.id);
        assert_eq!(event, read(Provider::Stripe, body.as_bytes()).expect("the same"));
        assert!(event.livemode && &*event.event_type == "payment_intent.succeeded", "{event:?}");
        assert!(why(&event).contains("look the payment up"), "{}", why(&event));
    }
    let digits = format!(r#""id":"pi_1","amount":{},"amount_received":1"#, "9".repeat(400));
    why(&read(Provider::Stripe, stripe(r#""evt_1""#, &digits).as_bytes()).expect("an event"));
}

fn paypal(id: &str, more: &str) -> String {
    format!(
        r#"{{"id":{id},"event_type":"PAYMENT.CAPTURE.COMPLETED","resource_version":"2.0",
             "create_time":"2024-11-23T11:52:03Z","resource":{{"status":"COMPLETED",
             "amount":{{"currency_code":"EUR","value":"49.99"}},{more}}}}}"#
    )
}

#[test]
fn an_id_of_a_provider_that_can_be_none_fails_and_the_shops_free_text_leads_nowhere() {
    for id in ["A\\u0000", "A\\n1", &"A".repeat(256)] {
        for (provider, body, kind) in [
            (
                Provider::Stripe,
                stripe(r#""evt_1""#, &format!(r#"{INTENT},"latest_charge":"{id}""#)),
                "charge",
            ),
            (
                Provider::Stripe,
                stripe(r#""evt_1""#, &format!(r#""id":"{id}","amount":1,"amount_received":1"#)),
                "payment_intent",
            ),
            (Provider::Paypal, paypal(r#""WH-1""#, &format!(r#""id":"{id}""#)), "capture"),
        ] {
            let event = read(provider, body.as_bytes()).expect("an event");
            assert!(why(&event).contains(kind), "{body}: {}", why(&event));
        }
        let in_metadata = format!(r#"{INTENT},"metadata":{{"order_id":"{id}"}}"#);
        for (provider, body) in [
            (Provider::Stripe, stripe(r#""evt_1""#, &in_metadata)),
            (Provider::Paypal, paypal(r#""WH-1""#, &format!(r#""id":"C1","custom_id":"{id}""#))),
        ] {
            let event = read(provider, body.as_bytes()).expect("an event");
            let references = &event.content.parts()[0].references;
            assert!(!references.iter().any(|one| one.kind == ReferenceKind::OrderId), "{body}");
        }
    }
    let longest = "é".repeat(255);
    let body = paypal(r#""WH-1""#, &format!(r#""id":"C1","custom_id":"{longest}""#));
    let event = read(Provider::Paypal, body.as_bytes()).expect("an event");
    assert_eq!(&*event.content.parts()[0].references[1].value, longest);
}

#[test]
fn bytes_that_are_no_text_are_not_read() {
    let body = stripe(r#""evt_1""#, &format!("{INTENT},\"description\":\"caf\u{e9}\""));
    let latin: Vec<u8> = body.chars().map(|one| u8::try_from(one).expect("Latin-1")).collect();
    let event = read(Provider::Stripe, &latin).expect("an event");
    assert!(why(&event).starts_with(NO_TEXT) && &*event.id == "evt_1", "{event:?}");
}

#[test]
fn what_nobody_reads_may_be_anything_and_what_stands_twice_the_same() {
    for more in [
        r#","x":"\ud800\u0000","y":1e400"#,
        r#","amount":4999,"status":"succeeded""#,
        r#","metadata":{"a":"b","a":"b"}"#,
    ] {
        let body = stripe(r#""evt_1""#, &format!("{INTENT}{more}"));
        let event = read(Provider::Stripe, body.as_bytes()).expect("an event");
        assert_eq!(event.content.parts().len(), 1, "{more}: {:?}", event.content);
    }
}

#[test]
fn what_is_no_object_with_an_id_is_refused() {
    for (body, refusal) in [
        (&b"{\"id\":\"evt_1\""[..], Refusal::InvalidJson),
        (b"\xff", Refusal::InvalidJson),
        (b"[\"\\ud800\"]", Refusal::NotAnEvent),
        (b"{\"id\":1e400}", Refusal::NotAnEvent),
        (b"{\"type\":\"\\ud800\"}", Refusal::NotAnEvent),
        (b"{\"type\":\"\xff\"}", Refusal::NotAnEvent),
    ] {
        for provider in [Provider::Stripe, Provider::Paypal] {
            assert_eq!(read(provider, body).err(), Some(refusal), "{body:?}");
        }
    }
}

fn can_be_kept(event: &Event) -> bool {
    let texts = [Some(&event.id), Some(&event.event_type), event.account.as_ref()];
    texts.into_iter().flatten().all(|text| text.is_empty() || is_id(text))
        && event.content.parts().iter().all(|part| unfit_id(part).is_none())
}

proptest! {
    #[test]
    fn any_body_is_kept_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for provider in [Provider::Stripe, Provider::Paypal] {
            let _ = read(provider, &body);
        }
    }

    /// Whatever stands where, an object with an id is an event that can be kept.
    #[test]
    fn an_object_with_an_id_is_never_refused(
        id in "[a-z]{1,8}|[a-z]\\\\u(d800|0000|dfff)[a-z]|e{300}",
        kind in "payment_intent\\.succeeded|PAYMENT\\.CAPTURE\\.COMPLETED|\\\\u0000|x",
        value in r#"1e999|9{400}|"\\ud8(00|34)"|"\\u0000"|\{"id":"\\udc00"\}|\[\{\}\]|null|"a""#,
        name in "id|amount|amount_received|currency|metadata|status|\\\\ud800|custom_id",
        bytes in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let object = format!(r#"{{"object":"payment_intent","id":"pi_1","{name}":{value}}}"#);
        let mut body = format!(
            r#"{{"id":"{id}","type":"{kind}","event_type":"{kind}","created":{value},
                 "data":{{"object":{object}}},"resource":{object},"x":"y"#
        )
        .into_bytes();
        body.extend(bytes.iter().filter(|byte| !matches!(byte, 0..32 | b'"' | b'\\')));
        body.extend(b"\"}");
        for provider in [Provider::Stripe, Provider::Paypal] {
            let event = read(provider, &body);
            prop_assert!(event.as_ref().is_ok_and(can_be_kept), "{event:?}");
        }
    }
}
