//! How the providers' APIs are asked: the client itself against servers that misbehave.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::support::daemon::{Options, wait_until};
use crate::support::fake::{Fake, Reply};
use crate::support::paypal_api::{self, CLIENT_ID, CLIENT_SECRET, PaypalApi};
use crate::support::provider::{at, paypal_event, stripe_event};
use crate::support::stripe_api::{KEY, StripeApi, fault};
use payhookd::clients::api::{ApiError, Stop};
use payhookd::clients::apis::Apis;
use payhookd::clients::keys::{ApiConfig, PaypalKeys, RetryPolicy, StripeKeys};
use payhookd::domain::provider::Provider;
use payhookd::domain::secret::Secret;
use payhookd::telemetry::clock::Clock;

const QUICK: RetryPolicy = RetryPolicy {
    call: Duration::from_secs(20),
    attempts: 4,
    pause: Duration::from_millis(1),
    longest: Duration::from_secs(60),
};

fn stripe(base: String, key: &str, patience: RetryPolicy) -> Apis {
    let keys = StripeKeys { api_base: base, secret_key: Secret::new(key.to_owned()) };
    let config = ApiConfig { stripe: Some(keys), paypal: None, patience };
    Apis::new(&config, &Stop::new(), Clock::SYSTEM)
}

fn paypal(base: String, secret: &str, patience: RetryPolicy) -> Apis {
    let keys = PaypalKeys {
        api_base: base,
        client_id: CLIENT_ID.to_owned(),
        client_secret: Secret::new(secret.to_owned()),
    };
    let config = ApiConfig { stripe: None, paypal: Some(keys), patience };
    Apis::new(&config, &Stop::new(), Clock::SYSTEM)
}

fn get(apis: &Apis) -> Result<Vec<u8>, ApiError> {
    apis.stripe().expect("a key").get("/v1/charges/ch_1", &[])
}

#[test]
fn events_are_asked_for_with_key_and_version_and_paged() {
    let api = StripeApi::start();
    for name in ["1", "2", "3"] {
        api.has(stripe_event("payment_intent.succeeded", name));
    }
    api.largest_page(2);
    let apis = stripe(api.base(), KEY, QUICK);
    let stripe = apis.stripe().expect("a key");
    let (from, until) = (at("2024-11-23T11:52:03Z"), at("2024-11-23T11:52:04Z"));
    let first = stripe.events(from, until, 100, None).expect("a page");
    assert!(first.has_more && first.events().len() == 2);
    let last = first.last_id();
    let second = stripe.events(from, until, 100, last.as_deref()).expect("a page");
    assert!(!second.has_more && second.events().len() == 1);
    let earlier = stripe.events(at("2024-11-01T00:00:00Z"), from, 100, None).expect("a page");
    assert_eq!(earlier.events().len(), 0);

    let api = PaypalApi::start();
    for name in ["1", "2", "3"] {
        api.has(paypal_event("PAYMENT.SALE.COMPLETED", name));
    }
    api.largest_page(2);
    let apis = paypal(api.base(), CLIENT_SECRET, QUICK);
    let paypal = apis.paypal().expect("keys");
    let first = paypal.events(from, until, 100).expect("a page");
    assert_eq!(first.events().len(), 2);
    let second = paypal.next_events(&first.next.expect("a next page")).expect("a page");
    assert_eq!((second.events().len(), second.next.is_none()), (1, true));
    assert_eq!(api.tokens(), 1);
}

#[test]
fn what_passes_is_asked_again_and_what_stays_is_not() {
    let answer = |status, header: Option<(&'static str, &str)>| {
        let header = header.map(|(name, value)| (name, value.to_owned()));
        Some(Reply::Answer(status, header, String::new()))
    };
    let should = |text| Some(("stripe-should-retry", text));
    for (trouble, calls) in [
        (answer(500, None), 2),
        (answer(503, Some(("retry-after", "0"))), 2),
        (answer(429, None), 2),
        (answer(409, None), 2),
        (Some(Reply::Close), 2),
        (answer(400, should("true")), 2),
        (answer(500, should("false")), 1),
        (answer(429, should("false")), 1),
        (answer(400, None), 1),
        (answer(401, None), 1),
        (answer(403, None), 1),
        (answer(404, None), 1),
        (answer(302, Some(("location", "http://127.0.0.1:1/"))), 1),
    ] {
        let api = StripeApi::start();
        api.has_object("/v1/charges/ch_1", "{}");
        api.troubles([trouble.clone()]);
        let got = get(&stripe(api.base(), KEY, QUICK));
        assert_eq!(got.is_ok(), calls == 2, "{trouble:?}: {got:?}");
        assert_eq!(api.asked().len(), calls, "{trouble:?}");
    }
}

#[test]
fn asking_again_has_an_end() {
    let api = StripeApi::start();
    api.troubles(vec![Some(Reply::Answer(500, None, String::new())); 9]);
    let got = get(&stripe(api.base(), KEY, QUICK));
    assert!(matches!(got, Err(ApiError::Unreachable { .. })), "{got:?}");
    assert_eq!(api.asked().len(), 4);

    api.troubles(vec![Some(Reply::Hang); 9]);
    let patience = RetryPolicy { call: Duration::from_millis(50), ..QUICK };
    let got = get(&stripe(api.base(), KEY, patience));
    assert!(matches!(got, Err(ApiError::Unreachable { .. })), "{got:?}");
    assert_eq!(api.asked().len(), 8);
}

#[test]
fn a_provider_is_left_alone_for_as_long_as_it_wants() {
    let limited =
        |wait: String| Some(Reply::Answer(429, Some(("retry-after", wait)), String::new()));
    let date = |seconds| httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds));
    // A date is of whole seconds, and some of its time has passed before it is read.
    for wait in ["1".to_owned(), date(3)] {
        let api = StripeApi::start();
        api.has_object("/v1/charges/ch_1", "{}");
        api.troubles([limited(wait)]);
        let began = Instant::now();
        assert!(get(&stripe(api.base(), KEY, QUICK)).is_ok());
        assert!(began.elapsed() >= Duration::from_secs(1));
        assert_eq!(api.asked().len(), 2);
    }

    // Longer than we wait: that is said at once, and it is left alone all the same.
    let api = StripeApi::start();
    api.troubles([limited("3600".to_owned())]);
    let apis = stripe(api.base(), KEY, QUICK);
    for _ in 0..3 {
        let got = get(&apis);
        assert!(matches!(got, Err(ApiError::RateLimited { wait: Some(_), .. })), "{got:?}");
    }
    assert_eq!(api.asked().len(), 1);
}

#[test]
fn one_call_is_made_at_a_time() {
    let api = StripeApi::start();
    api.has_object("/v1/charges/ch_1", "{}");
    one_at_a_time(api.fake(), &Arc::new(stripe(api.base(), KEY, QUICK)), get);
    assert_eq!(api.asked().len(), 4);

    let api = PaypalApi::start();
    api.has_object("/v1/x", "{}");
    let apis = Arc::new(paypal(api.base(), CLIENT_SECRET, QUICK));
    let get = |apis: &Apis| apis.paypal().expect("keys").get("/v1/x", &[]);
    assert!(get(&apis).is_ok());
    one_at_a_time(api.fake(), &apis, get);
    assert_eq!(api.asked().len(), 1 + 1 + 4);
}

fn one_at_a_time(fake: &Fake, apis: &Arc<Apis>, get: fn(&Apis) -> Result<Vec<u8>, ApiError>) {
    let before = fake.asked().len();
    fake.hold();
    let caller = |_| {
        let apis = Arc::clone(apis);
        std::thread::spawn(move || get(&apis).is_ok())
    };
    let callers: Vec<_> = (0..4).map(caller).collect();
    wait_until("one asks", || fake.asked().len() > before);
    // Nobody else can come while the first one is held, however long that is.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(fake.asked().len(), before + 1);
    fake.release();
    assert!(callers.into_iter().all(|caller| caller.join().expect("no panic")));
}

#[test]
fn a_daemon_with_keys_does_not_log_them() {
    let (stripe, paypal) = (StripeApi::start(), PaypalApi::start());
    let options = stripe.options(paypal.options(Options::stripe()));
    let daemon = options.arg("--log-level=debug").start();
    let ended = daemon.terminate();
    assert!(ended.status.success(), "{}", ended.log);
    assert!(!ended.log.contains(KEY) && !ended.log.contains(CLIENT_SECRET), "{}", ended.log);
    assert!(ended.log.contains("--stripe-api-base is set"), "{}", ended.log);
}

#[test]
fn keys_are_sent_to_nobody_in_the_clear() {
    for (base, taken) in [
        ("http://api.example", false),
        ("https://key@api.example", false),
        ("ftp://127.0.0.1", false),
        ("api.stripe.com", false),
        ("http://127.0.0.1.example", false),
        ("https://api.example/", true),
        ("http://[::1]:1", true),
    ] {
        let options = Options::stripe()
            .variable("STRIPE_SECRET_KEY", KEY)
            .variable("PAYHOOKD_STRIPE_API_BASE", base);
        if taken {
            assert!(options.start().terminate().status.success(), "{base}");
        } else {
            let said = options.start_refused();
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(said.contains("--stripe-api-base: neither an https URL"), "{base}: {said}");
        }
    }
}

#[test]
fn a_token_is_kept_and_renewed_once() {
    let api = PaypalApi::start();
    api.has_object("/v2/payments/captures/1", "{}");
    let apis = paypal(api.base(), CLIENT_SECRET, QUICK);
    let get = || apis.paypal().expect("keys").get("/v2/payments/captures/1", &[]);
    assert!(get().is_ok() && get().is_ok());
    assert_eq!(api.tokens(), 1);
    api.withdraw_token();
    assert!(get().is_ok());
    assert_eq!(api.tokens(), 2);
    api.troubles(vec![Some(paypal_api::fault(401, "invalid_token")); 2]);
    assert!(matches!(get(), Err(ApiError::Unauthorized { status: 401, .. })));
    assert_eq!(api.tokens(), 3);
}

#[test]
fn an_error_says_what_to_do_and_no_secret() {
    let secret = "sk_live_very_secret";
    let api = StripeApi::start();
    let wrong = get(&stripe(api.base(), secret, QUICK)).expect_err("a wrong key").to_string();
    assert_eq!(
        wrong,
        "stripe answered 401 to GET /v1/charges/ch_1: it does not know the key in \
         STRIPE_SECRET_KEY: copy it again from Stripe's dashboard, Developers, API keys"
    );
    let paypal_api = PaypalApi::start();
    let apis = paypal(paypal_api.base(), "wrong", QUICK);
    let wrong = apis.paypal().expect("keys").get("/v1/x", &[]).expect_err("a wrong secret");
    let wrong = wrong.to_string();
    assert!(wrong.starts_with("paypal answered 401 to POST /v1/oauth2/token: "), "{wrong}");
    assert!(wrong.contains("PAYPAL_CLIENT_SECRET"), "{wrong}");

    // A server that says again what it was told.
    let parrot = Fake::start(|asked| fault(400, None, asked.header("authorization").expect("one")));
    let apis = stripe(format!("http://{}", parrot.address), secret, QUICK);
    let error = get(&apis).expect_err("a fault");
    let shown = format!("{error} {error:?} {apis:?}");
    assert!(shown.contains("400") && !shown.contains("very_secret"), "{shown}");

    let api = StripeApi::start();
    api.troubles([Some(fault(400, Some("parameter_unknown"), "Received unknown parameter: x"))]);
    let error = get(&stripe(api.base(), KEY, QUICK)).expect_err("a fault").to_string();
    assert!(error.ends_with("400, parameter_unknown: Received unknown parameter: x"), "{error}");
    let none = stripe(api.base(), KEY, QUICK).paypal().expect_err("no keys").to_string();
    assert!(none.contains("set PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET"), "{none}");
}

#[test]
fn a_missing_object_is_not_a_missing_token() {
    let api = PaypalApi::start();
    let apis = paypal(api.base(), CLIENT_SECRET, QUICK);
    let missing = apis.paypal().expect("keys").get("/v2/payments/captures/1", &[]);
    let provider = Provider::Paypal;
    let asked = "GET /v2/payments/captures/1".to_owned();
    assert_eq!(missing, Err(ApiError::NotFound { provider, asked }));

    let nothing = Fake::start(|_| Reply::Answer(404, None, String::new()));
    let apis = paypal(format!("http://{}", nothing.address), CLIENT_SECRET, QUICK);
    let got = apis.paypal().expect("keys").get("/v2/payments/captures/1", &[]);
    assert!(matches!(got, Err(ApiError::Unexpected { .. })), "{got:?}");
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let large = Fake::start(|_| Reply::ok(" ".repeat(17 << 20)));
    let got = get(&stripe(format!("http://{}", large.address), KEY, QUICK));
    assert!(matches!(got, Err(ApiError::TooLarge { .. })), "{got:?}");
}

#[test]
fn whoever_waits_for_a_provider_is_told_to_stop() {
    let api = StripeApi::start();
    let wait = Some(("retry-after", "50".to_owned()));
    api.troubles([Some(Reply::Answer(429, wait, String::new()))]);
    let keys = StripeKeys { api_base: api.base(), secret_key: Secret::new(KEY.to_owned()) };
    let config = ApiConfig { stripe: Some(keys), paypal: None, patience: QUICK };
    let stop = Stop::new();
    let apis = Apis::new(&config, &stop, Clock::SYSTEM);
    let asking = std::thread::spawn(move || get(&apis));
    wait_until("it asks", || !api.asked().is_empty());
    stop.tell();
    assert_eq!(asking.join().expect("no panic"), Err(ApiError::Stopped));
}
