use proptest::prelude::*;

use super::*;

objects! {
    struct Shape<'a> {
        id: Loose<'a>,
        part: Part<Inner<'a>>,
        list: List<Inner<'a>>,
    }

    struct Inner<'a> {
        id: Loose<'a>,
    }
}

#[test]
fn a_field_of_another_type_is_absent() {
    for json in ["null", "true", "1", "-1", "1.5", "[[{}]]", "{}"] {
        let text = format!(r#"{{"id":{json},"part":{json},"list":{json}}}"#);
        let shape: Shape<'_> = parse(text.as_bytes()).expect("tolerant");
        assert_eq!(shape.id.id(), None, "{json}");
    }
}

#[test]
fn an_id_may_be_text_or_an_expanded_object() {
    let text = r#"{"id":"a","part":{"id":{"x":[1],"id":"b\u00e9"}},"list":[1,{"id":"c"}]}"#;
    let shape: Shape<'_> = parse(text.as_bytes()).expect("tolerant");
    assert_eq!(shape.id.id(), Some("a"));
    assert_eq!(shape.part.get().and_then(|part| part.id.id()), Some("b\u{e9}"));
    assert_eq!(shape.list.iter().filter_map(|item| item.id.id()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn a_number_is_the_decimal_that_was_written_or_none() {
    for (json, decimal) in [
        ("42.5", Some("42.5")),
        ("-0.07", Some("-0.07")),
        ("100", Some("100")),
        ("100.00", Some("100")),
        ("\"42.50\"", Some("42.50")),
        ("1234567890123.45", Some("1234567890123.45")),
        // Of so many digits the last may be another than was written.
        ("12345678901234.567", None),
        ("true", None),
        ("{}", None),
    ] {
        let text = format!(r#"{{"id":{json}}}"#);
        let shape: Shape<'_> = parse(text.as_bytes()).expect("tolerant");
        assert_eq!(shape.id.decimal().as_deref(), decimal, "{json}");
    }
}

#[test]
fn the_last_of_repeated_names_counts() {
    let shape: Shape<'_> = parse(br#"{"id":"a","id":"b"}"#).expect("tolerant");
    assert_eq!(shape.id.id(), Some("b"));
}

#[test]
fn what_another_reader_may_read_otherwise_is_not_read_once() {
    for json in [
        r#"{"id":"a","id":"b"}"#,
        r#"{"id":{"id":"a","id":"b"}}"#,
        r#"{"id":18446744073709551615}"#,
        r#"{"id":1e19}"#,
    ] {
        let refusal = parse_once::<Shape<'_>>(json.as_bytes()).err();
        assert_eq!(refusal, Some(Refusal::NotAnEvent), "{json}");
    }
    let map = parse_once::<Map<'_>>(br#"{"a":1,"b":2,"a":1}"#).err();
    assert_eq!(map, Some(Refusal::NotAnEvent));
    assert!(parse_once::<Shape<'_>>(br#"{"x":1e999,"x":"\ud800","id":"a"}"#).is_ok());
}

#[test]
fn what_is_no_json_object_is_told_apart() {
    assert_eq!(parse::<Shape<'_>>(b"[]").err(), Some(Refusal::NotAnEvent));
    assert_eq!(parse::<Shape<'_>>(b" [\"evt_1\"]").err(), Some(Refusal::NotAnEvent));
    assert_eq!(parse::<Shape<'_>>(b"3").err(), Some(Refusal::NotAnEvent));
    assert_eq!(parse::<Shape<'_>>(b"{").err(), Some(Refusal::InvalidJson));
    assert_eq!(parse::<Shape<'_>>(b"{\"x\":\"\xff\"}").err(), Some(Refusal::InvalidJson));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse::<Shape<'_>>(&payload);
    }
}
