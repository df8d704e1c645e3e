//! PayPal's webhooks proved by asking PayPal's API.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Options};
use crate::support::fake::{Asked, Fake, Reply};
use crate::support::paypal_api::{CLIENT_ID, CLIENT_SECRET};
use crate::support::provider::{PAYPAL, WEBHOOK_ID, paypal_event, transmission};
use crate::support::wire::Answer;

const TOKEN: &str = "/v1/oauth2/token";
const VERIFY: &str = "/v1/notifications/verify-webhook-signature";
const CERT_URL: &str = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1";

/// PayPal's API: grants tokens that are numbered, and says what it is told to say.
struct Api {
    fake: Fake,
    replies: Arc<Mutex<Replies>>,
}

struct Replies {
    token: Reply,
    verify: Box<dyn Fn(&Asked) -> Reply + Send>,
}

impl Api {
    fn start() -> Self {
        let replies = Arc::new(Mutex::new(Replies {
            token: token("token-1"),
            verify: Box::new(|_| verdict("SUCCESS")),
        }));
        let script = Arc::clone(&replies);
        let fake = Fake::start(move |asked| {
            let replies = script.lock().expect("no panic");
            match (&*asked.method, &*asked.path) {
                ("POST", TOKEN) => replies.token.clone(),
                ("POST", VERIFY) => (replies.verify)(asked),
                _ => Reply::Answer(404, None, String::new()),
            }
        });
        Self { fake, replies }
    }

    fn options(&self) -> Options {
        Options::new()
            .variable("PAYPAL_WEBHOOK_ID", WEBHOOK_ID)
            .variable("PAYPAL_ENVIRONMENT", "sandbox")
            .variable("PAYPAL_CLIENT_ID", CLIENT_ID)
            .variable("PAYPAL_CLIENT_SECRET", CLIENT_SECRET)
            .arg("--paypal-verify=postback")
            .arg(format!("--paypal-api-base=http://{}/", self.fake.address))
    }

    fn says(&self, reply: Reply) {
        self.decides(move |_| reply.clone());
    }

    fn decides(&self, verify: impl Fn(&Asked) -> Reply + Send + 'static) {
        self.replies.lock().expect("no panic").verify = Box::new(verify);
    }

    fn grants(&self, token: Reply) {
        self.replies.lock().expect("no panic").token = token;
    }

    fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.fake.asked().into_iter();
        asked.filter(|asked| asked.path == path).collect()
    }
}

fn token(token: &str) -> Reply {
    let granted = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 32_400 });
    Reply::ok(granted.to_string())
}

fn verdict(verdict: &str) -> Reply {
    Reply::ok(json!({ "verification_status": verdict }).to_string())
}

/// The headers of its transmission, which is signed anew each time.
fn headers_of(body: &str) -> Vec<(&'static str, String)> {
    transmission(body, &format!("{:08x}", crc32fast::hash(body.as_bytes())), CERT_URL)
}

fn deliver(daemon: &Daemon, body: &str) -> Answer {
    deliver_with(daemon, &headers_of(body), body)
}

fn deliver_with(daemon: &Daemon, headers: &[(&str, String)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    daemon.post(PAYPAL, &headers, body)
}

fn sale(name: &str) -> String {
    paypal_event("PAYMENT.SALE.COMPLETED", name)
}

#[test]
fn paypal_is_asked_with_every_header_and_the_body_to_the_byte() {
    let api = Api::start();
    let daemon = api.options().start();
    let body =
        "{ \"id\":\"WH-1\",\"amount\":1.00,\"text\":\"\\u20ac\\/\u{20ac}\",\t\"b\":[ ] ,\"b\":1}";
    let headers = headers_of(body);
    assert_eq!(deliver_with(&daemon, &headers, body).text(), r#"{"received":true}"#);

    let tokens = api.asked(TOKEN);
    assert_eq!(tokens.len(), 1);
    let credentials = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    assert_eq!(tokens[0].header("authorization"), Some(&*credentials));
    assert_eq!(tokens[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(tokens[0].text(), "grant_type=client_credentials");

    let verified = api.asked(VERIFY);
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0].header("authorization"), Some("Bearer token-1"));
    assert_eq!(verified[0].header("content-type"), Some("application/json"));
    let text = verified[0].text();
    assert!(text.ends_with(&format!("\"webhook_event\":{body}}}")), "{text}");
    let mut question: Value = serde_json::from_str(text).expect("JSON");
    let question = question.as_object_mut().expect("an object");
    question.remove("webhook_event");
    let sent = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, it)| &**it);
    assert_eq!(
        Value::Object(question.clone()),
        json!({
            "auth_algo": sent("paypal-auth-algo"),
            "cert_url": sent("paypal-cert-url"),
            "transmission_id": sent("paypal-transmission-id"),
            "transmission_sig": sent("paypal-transmission-sig"),
            "transmission_time": sent("paypal-transmission-time"),
            "webhook_id": WEBHOOK_ID,
        })
    );
    let database = daemon.database();
    assert_eq!(database.one::<String>("SELECT payload FROM webhook_logs"), body);
    assert_eq!(database.one::<String>("SELECT proof FROM webhook_logs"), "postback, webhook id 1");
}

#[test]
fn one_token_serves_many_webhooks_until_paypal_takes_it_back() {
    let api = Api::start();
    let daemon = api.options().start();
    for number in 0..5 {
        assert_eq!(deliver(&daemon, &sale(&number.to_string())).status, 200);
    }
    assert_eq!(api.asked(TOKEN).len(), 1);

    api.grants(token("token-2"));
    api.decides(|asked| match asked.header("authorization") {
        Some("Bearer token-2") => verdict("SUCCESS"),
        _ => Reply::Answer(401, None, r#"{"error":"invalid_token"}"#.to_owned()),
    });
    assert_eq!(deliver(&daemon, &sale("5")).status, 200);
    assert_eq!(deliver(&daemon, &sale("6")).status, 200);
    assert_eq!(api.asked(TOKEN).len(), 2);
    assert_eq!(daemon.database().count("webhook_logs"), 7);

    // One that is refused at once is asked for once more, not for ever.
    api.says(Reply::Answer(401, None, String::new()));
    assert_eq!(deliver(&daemon, &sale("7")).status, 503);
    assert_eq!(api.asked(TOKEN).len(), 3);
}

#[test]
fn a_token_that_is_about_to_end_is_not_used() {
    let api = Api::start();
    let daemon = api.options().start();
    api.grants(Reply::ok(r#"{"access_token":"short","expires_in":59}"#));
    assert_eq!(deliver(&daemon, &sale("1")).status, 200);
    assert_eq!(deliver(&daemon, &sale("2")).status, 200);
    assert_eq!(api.asked(TOKEN).len(), 2);
}

#[test]
fn what_paypal_calls_a_failure_is_refused() {
    let api = Api::start();
    let daemon = api.options().start();
    api.says(verdict("FAILURE"));
    let answer = deliver(&daemon, &sale("1"));
    assert_eq!((answer.status, answer.reason()), (400, Some("bad_signature".into())));
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    // Nothing of that is remembered against the genuine one.
    api.says(verdict("SUCCESS"));
    assert_eq!(deliver(&daemon, &sale("1")).status, 200);
}

#[test]
fn what_paypal_does_not_decide_comes_again() {
    let api = Api::start();
    let daemon = api.options().start();
    let undecided = |name: &str| {
        let answer = deliver(&daemon, &sale(name));
        assert_eq!(answer.status, 503, "{name}: {}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{name}: {answer:?}");
        assert!(!answer.text().contains("token"), "{name}: {}", answer.text());
    };
    for (name, reply) in [
        ("an error", Reply::Answer(500, None, String::new())),
        ("too many", Reply::Answer(429, None, r#"{"verification_status":"SUCCESS"}"#.to_owned())),
        ("a refusal", Reply::Answer(400, None, r#"{"name":"VALIDATION_ERROR"}"#.to_owned())),
        ("a page", Reply::ok("<html></html>")),
        ("nothing", Reply::ok("")),
        ("neither", Reply::ok(r#"{"verification_status":"PERHAPS"}"#)),
        ("no word", Reply::ok(r#"{"verification_status":true}"#)),
        (
            "too much",
            Reply::ok(format!("{}{}", " ".repeat(70_000), r#"{"verification_status":"SUCCESS"}"#)),
        ),
        ("a closed door", Reply::Close),
        ("silence", Reply::Hang),
    ] {
        api.says(reply);
        undecided(name);
    }
    assert_eq!(api.asked(TOKEN).len(), 1);
    drop(daemon);

    let daemon = api.options().start();
    let undecided = |name: &str| assert_eq!(deliver(&daemon, &sale(name)).status, 503, "{name}");
    api.says(verdict("SUCCESS"));
    for (name, reply) in [
        ("an error", Reply::Answer(500, None, String::new())),
        ("wrong credentials", Reply::Answer(401, None, r#"{"error":"invalid_client"}"#.to_owned())),
        ("no token", Reply::ok("{}")),
        ("a page", Reply::ok("<html></html>")),
        ("a closed door", Reply::Close),
    ] {
        api.grants(reply);
        undecided(name);
    }
    assert_eq!(daemon.database().count("webhook_logs"), 0);
    daemon.wait_for_line("oauth2/token answered 401");
    let log = daemon.log();
    assert!(!log.contains(CLIENT_SECRET) && !log.contains("token-1"), "{log}");
    api.grants(token("token-1"));
    assert_eq!(deliver(&daemon, &sale("1")).status, 200);
}

/// Whoever makes webhooks up spends no more of the shop's quota at PayPal than a minute's, and the
/// genuine one is taken when it comes again at the latest.
#[test]
fn paypal_is_asked_about_so_many_strangers_a_minute() {
    let api = Api::start();
    let daemon = api.options().start();
    let began = std::time::Instant::now();
    api.decides(|asked| {
        verdict(if asked.text().contains("WH-genuine") { "SUCCESS" } else { "FAILURE" })
    });
    let answers: Vec<u16> = (0..200)
        .map(|number| deliver(&daemon, &sale(&format!("forged-{number}"))).status)
        .collect();
    assert!(answers.iter().all(|status| matches!(status, 400 | 503)), "{answers:?}");
    let first = deliver(&daemon, &sale("genuine")).status;
    assert!(matches!(first, 200 | 503), "{first}");
    assert_eq!(deliver(&daemon, &sale("genuine")).status, 200);
    // One that is known is not asked about for ever either.
    (0..100).for_each(|_| _ = deliver(&daemon, &sale("genuine")));
    let minutes = began.elapsed().as_secs() / 60 + 1;
    let asked = api.asked(VERIFY).len() as u64;
    assert!((30..=60 * (minutes + 1)).contains(&asked), "{asked} times in {minutes} min");
}

#[test]
fn paypal_is_asked_about_each_webhook_id_in_turn() {
    let api = Api::start();
    let ids = format!("1JE4291016473214C,{WEBHOOK_ID}");
    let daemon = api.options().variable("PAYPAL_WEBHOOK_ID", ids).start();
    api.decides(|asked| {
        let question: Value = serde_json::from_str(asked.text()).expect("JSON");
        verdict(if question["webhook_id"] == WEBHOOK_ID { "SUCCESS" } else { "FAILURE" })
    });
    assert_eq!(deliver(&daemon, &sale("1")).status, 200);
    let proof = daemon.database().one::<String>("SELECT proof FROM webhook_logs");
    assert_eq!(proof, "postback, webhook id 2");
}

#[test]
fn paypal_is_not_asked_about_what_cannot_be_genuine() {
    let api = Api::start();
    let daemon = api.options().start();
    for (reason, drop_header, body) in [
        ("missing_header", "paypal-transmission-sig", "{}"),
        ("missing_header", "paypal-transmission-id", "{}"),
        ("empty_payload", "", ""),
        ("invalid_json", "", "{"),
        ("invalid_json", "", "{} {}"),
    ] {
        let headers = transmission(body, "1", CERT_URL);
        let headers: Vec<_> = headers
            .iter()
            .filter(|(name, _)| *name != drop_header)
            .map(|(name, value)| (*name, &**value))
            .collect();
        let answer = daemon.post(PAYPAL, &headers, body);
        assert_eq!((answer.status, answer.reason()), (400, Some(reason.into())), "{body}");
    }
    assert!(api.fake.asked().is_empty());
}
