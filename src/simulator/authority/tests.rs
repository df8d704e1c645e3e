use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;

use super::*;
use crate::domain::refusal::Refusal;
use crate::providers::Proof;
use crate::providers::paypal::transmission::{Transmission, WebhookIds};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

fn make(environment: Environment) -> TestAuthority {
    TestAuthority::make(environment, at("2026-11-01T00:00:00Z"), at("2027-11-01T00:00:00Z"))
        .expect("an authority")
}

fn sandbox() -> &'static TestAuthority {
    static SANDBOX: OnceLock<TestAuthority> = OnceLock::new();
    SANDBOX.get_or_init(|| make(Environment::Sandbox))
}

const BODY: &[u8] = br#"{"id":"WH-1"}"#;
const NOW: &str = "2026-11-23T11:52:03.250Z";

/// Signs `BODY` with the authority and has `payload` judged under `trust`.
fn judge(authority: &TestAuthority, payload: &[u8], trust: &Trust) -> Result<Proof, Refusal> {
    let headers = authority.sign(
        BODY,
        &NewTransmission {
            id: "b2384410-f8d2-11e4-8bf3-77339302725b",
            time: at(NOW),
            webhook_id: "3RN13029J36659323",
            cert_url: "http://127.0.0.1:1/v1/notifications/certs/CERT-1",
        },
    );
    let header = |name| headers.iter().find(|(header, _)| *header == name);
    let transmission = Transmission::from_headers(|name| header(name).map(|(_, value)| &**value))?;
    assert_eq!(transmission.time, "2026-11-23T11:52:03Z");
    let certificate = Certificate::parse("CERT-1", authority.leaf_pem().as_bytes())?;
    let environment = trust.check(&certificate, at(NOW))?;
    let ids = WebhookIds::new(["3RN13029J36659323"], Environment::Sandbox);
    transmission
        .verify(payload, &ids, &certificate, environment, at(NOW))
        .map(|verified| verified.proof().clone())
}

fn trust(authority: &TestAuthority) -> Trust {
    Trust::from_pem(authority.root_pem().as_bytes()).expect("a root")
}

#[test]
fn what_it_signs_is_accepted_by_those_who_trust_its_root_alone() {
    let proof = judge(sandbox(), BODY, &trust(sandbox()));
    assert!(matches!(proof, Ok(Proof::PaypalCertificate { webhook_id: 1, .. })), "{proof:?}");
    let bundled = Trust::bundled().expect("roots");
    assert_eq!(judge(sandbox(), BODY, &bundled), Err(Refusal::CertUntrusted));
}

#[test]
fn a_changed_body_is_refused() {
    let changed = br#"{"id":"WH-2"}"#;
    assert_eq!(judge(sandbox(), changed, &trust(sandbox())), Err(Refusal::BadSignature));
}

#[test]
fn its_certificate_is_for_its_environment_and_its_time() {
    let certificate = Certificate::parse("1", sandbox().leaf_pem().as_bytes()).expect("PEM");
    let trust = trust(sandbox());
    for (time, expected) in [
        ("2026-10-31T23:59:59Z", Err(Refusal::CertNotYetValid)),
        ("2026-11-01T00:00:00Z", Ok(Environment::Sandbox)),
        ("2027-11-01T00:00:01Z", Err(Refusal::CertExpired)),
    ] {
        assert_eq!(trust.check(&certificate, at(time)), expected, "{time}");
    }
}

#[test]
fn saved_and_loaded_it_signs_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("authority");
    sandbox().save(&folder).expect("saved");
    sandbox().save(&folder).expect("saved again");
    let mode = fs::metadata(folder.join(KEY)).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 3);
    let loaded = TestAuthority::load(&folder).expect("loaded");
    assert_eq!(loaded.certificate_path(), sandbox().certificate_path());
    assert!(judge(&loaded, BODY, &trust(sandbox())).is_ok());
    let key = sandbox().key.serialize_pem();
    let secret = key.lines().nth(1).expect("PEM");
    assert!(!format!("{loaded:?}").contains(secret));
}

#[test]
fn files_that_are_missing_wrong_or_mixed_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let error = || TestAuthority::load(folder).expect_err("refused").to_string();
    let named = |name: &str| folder.join(name).display().to_string();
    assert_eq!(error(), format!("cannot read {}", named(ROOT)));
    for (name, expected) in [
        (ROOT, "a PEM certificate"),
        (LEAF, "a PEM certificate"),
        (KEY, "an ECDSA key in PKCS #8 PEM"),
    ] {
        sandbox().save(folder).expect("saved");
        fs::write(folder.join(name), "x").expect("written");
        assert_eq!(error(), format!("{} is not {expected}", named(name)));
    }
    sandbox().save(folder).expect("saved");
    let other = KeyPair::generate().expect("a key").serialize_pem();
    fs::write(folder.join(KEY), other).expect("written");
    let mixed = format!("key.pem in {} is not the key of leaf.pem", folder.display());
    assert_eq!(error(), mixed);
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).expect("connected");
    connection.write_all(request.as_bytes()).expect("sent");
    let mut response = String::new();
    connection.read_to_string(&mut response).expect("answered");
    response
}

#[test]
fn the_certificate_is_served_until_the_server_is_dropped() {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = serve_certificate("PEM\n".to_owned(), local).expect("served");
    let address = server.address();
    for _ in 0..2 {
        let response = ask(address, "GET /v1/notifications/certs/CERT-1 HTTP/1.1\r\n\r\n");
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("content-type: application/x-pem-file\r\n"), "{response}");
        assert!(response.ends_with("\r\n\r\nPEM\n"), "{response}");
    }
    assert!(ask(address, "PUT / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}
