//! The documentation's examples for shops, run as they stand there: what is not run is not true for long.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::app::{App, SECRET, add};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::fake::Asked;
use crate::support::provider::StripeSample;

/// A language's program, which a driver of the test's uses as a shop would.
struct Language {
    program: &'static str,
    arguments: &'static [&'static str],
    /// The name and content of the driver: `shop` registers and waits, `told` verifies.
    driver: (&'static str, &'static str),
}

const PYTHON: Language = Language {
    program: "python3",
    arguments: &["driver.py"],
    driver: (
        "driver.py",
        r#"
import json, sys, payhookd
if sys.argv[1] == "shop":
    transaction = payhookd.register(
        provider="stripe", reference="pi_1", order_id="A-1001", amount=4999, currency="EUR")
    print(json.dumps(transaction), flush=True)
    waited = payhookd.wait(transaction)
    print(json.dumps(waited | {"outcome": payhookd.outcome(waited)}))
else:
    try:
        message = payhookd.told(json.loads(sys.argv[2]), sys.stdin.buffer.read())
        print(message["type"], payhookd.outcome(message["data"]))
    except (KeyError, ValueError):
        print("refused")
"#,
    ),
};

const NODE: Language = Language {
    program: "node",
    arguments: &["driver.mjs"],
    driver: (
        "driver.mjs",
        r#"
import { readFileSync } from 'node:fs';
import { outcome, register, told, wait } from './payhookd.mjs';
if (process.argv[2] === 'shop') {
  const transaction = await register({
    provider: 'stripe', reference: 'pi_1', order_id: 'A-1001', amount: 4999, currency: 'EUR',
  });
  console.log(JSON.stringify(transaction));
  const waited = await wait(transaction);
  console.log(JSON.stringify({ ...waited, outcome: outcome(waited) }));
} else {
  try {
    const message = told(JSON.parse(process.argv[3]), readFileSync(0));
    console.log(message.type, outcome(message.data));
  } catch {
    console.log('refused');
  }
}
"#,
    ),
};

const PHP: Language = Language {
    program: "php",
    arguments: &["driver.php"],
    driver: (
        "driver.php",
        r#"<?php
require 'payhookd.php';
if ($argv[1] === 'shop') {
    $transaction = payhookd_register([
        'provider' => 'stripe', 'reference' => 'pi_1', 'order_id' => 'A-1001', 'amount' => 4999,
        'currency' => 'EUR',
    ]);
    echo json_encode($transaction), "\n";
    $waited = payhookd_wait($transaction);
    echo json_encode($waited + ['outcome' => payhookd_outcome($waited)]), "\n";
} else {
    $server = [];
    foreach (json_decode($argv[2], true) as $name => $value) {
        $server['HTTP_' . strtoupper(strtr($name, '-', '_'))] = $value;
    }
    try {
        $message = payhookd_told($server, file_get_contents('php://stdin'));
        echo $message['type'], ' ', payhookd_outcome($message['data']), "\n";
    } catch (RuntimeException $error) {
        echo "refused\n";
    }
}
"#,
    ),
};

#[test]
fn a_shop_in_python_registers_waits_and_is_told() {
    registers_waits_and_is_told(&PYTHON);
}

#[test]
fn a_shop_in_node_registers_waits_and_is_told() {
    registers_waits_and_is_told(&NODE);
}

#[test]
fn a_shop_in_php_registers_waits_and_is_told() {
    registers_waits_and_is_told(&PHP);
}

fn registers_waits_and_is_told(language: &Language) {
    let Some((app, daemon)) = started(language) else { return };
    let mut shop = language.command(&daemon, &["shop"]).spawn().expect("it starts");
    let mut lines = BufReader::new(shop.stdout.take().expect("piped")).lines();
    let mut line = || -> Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    let registered = line();
    assert_eq!((&registered["status"], &registered["version"]), (&json!("pending"), &json!(1)));
    let paid = StripeSample::new("payment_intent.succeeded", "1").body();
    assert_eq!(daemon.deliver_stripe(paid).status, 200);
    let waited = line();
    assert_eq!((&waited["status"], &waited["id"]), (&json!("succeeded"), &registered["id"]));
    assert_eq!(waited["outcome"], "paid");
    assert!(shop.wait().expect("it ends").success());

    let message = message(&app, "transaction.succeeded");
    assert_eq!(language.told(&daemon, &message, &message.body), "transaction.succeeded paid");
    let forged = message.text().replace("4999", "9999");
    assert_ne!(forged, message.text());
    assert_eq!(language.told(&daemon, &message, forged.as_bytes()), "refused");

    // One cent of another order.
    add(daemon.options(), &["2"]);
    let cent = StripeSample::new("payment_intent.succeeded", "2").amount(1);
    assert_eq!(daemon.deliver_stripe(cent.body()).status, 200);
    let underpaid = self::message(&app, "transaction.underpaid");
    assert_eq!(language.told(&daemon, &underpaid, &underpaid.body), "transaction.underpaid wrong");
}

#[test]
fn a_django_view_takes_what_is_genuine_and_newer() {
    let Some((app, daemon)) = started(&PYTHON) else { return };
    let folder = daemon.options().folder();
    // As much of Django as the view uses.
    for (file, content) in [
        ("django/__init__.py", ""),
        (
            "django/http.py",
            "class HttpResponse:\n    def __init__(self, status=200):\n        self.status = status\n",
        ),
        ("django/core/__init__.py", ""),
        (
            "django/core/mail.py",
            "def mail_managers(subject, text):\n    print(\"mail:\", subject)\n",
        ),
        ("django/views/__init__.py", ""),
        ("django/views/decorators/__init__.py", ""),
        ("django/views/decorators/csrf.py", "def csrf_exempt(view):\n    return view\n"),
        ("django/views/decorators/http.py", "def require_POST(view):\n    return view\n"),
        ("shop/__init__.py", ""),
        (
            "shop/models.py",
            "class Order:\n    objects = None\n\n\nclass Objects:\n    def filter(self, **which):\n        \
             self.which = which\n        return self\n\n    def update(self, **what):\n        \
             print(self.which, what)\n        return 1\n\n\nOrder.objects = Objects()\n",
        ),
        (
            "view.py",
            "import json, sys\nfrom types import SimpleNamespace\nfrom shop.views import \
             payment_changed\nheaders = json.loads(sys.argv[1])\nbody = sys.stdin.buffer.read()\n\
             print(payment_changed(SimpleNamespace(headers=headers, body=body)).status)\n",
        ),
    ] {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }
    std::fs::write(folder.join("shop/views.py"), example("# shop/views.py")).expect("a file");
    let args = ["transactions", "add", "--provider", "stripe", "--reference", "pi_1"];
    daemon.options().done(
        &[&args[..], &["--order-id", "A-1001", "--amount", "4999", "--currency", "EUR"]].concat(),
    );
    let registered = message(&app, "transaction.registered");
    let view = |message: &Asked, body: &[u8]| {
        let mut command = Command::new("python3");
        command.arg("view.py").arg(headers(message));
        output(daemon_environment(&mut command, &daemon), body)
    };
    assert_eq!(
        view(&registered, &registered.body),
        "{'number': 'A-1001', 'payment_version__lt': 1} \
         {'payment': 'unpaid', 'payment_status': 'pending', 'payment_version': 1}\n204"
    );
    assert_eq!(view(&registered, b"{}"), "400");
    let cent = StripeSample::new("payment_intent.succeeded", "1").amount(1);
    assert_eq!(daemon.deliver_stripe(cent.body()).status, 200);
    let underpaid = message(&app, "transaction.underpaid");
    assert_eq!(
        view(&underpaid, &underpaid.body),
        "{'number': 'A-1001', 'payment_version__lt': 2} \
         {'payment': 'wrong', 'payment_status': 'succeeded', 'payment_version': 2}\n\
         mail: Order A-1001: transaction.underpaid\n204"
    );
}

/// Nothing, said in words, where the language is not on this machine.
fn started(language: &Language) -> Option<(App, Daemon)> {
    if Command::new(language.program).arg("--version").output().is_err() {
        println!("skipped: {} is not installed", language.program);
        return None;
    }
    let app = App::start();
    let daemon = app.options().variable("PAYHOOKD_API_TOKEN", TOKEN).start();
    let folder = daemon.options().folder();
    for (file, first_line) in [
        ("payhookd.py", "# payhookd.py"),
        ("payhookd.mjs", "// payhookd.mjs"),
        ("payhookd.php", "<?php // payhookd.php"),
    ] {
        std::fs::write(folder.join(file), example(first_line)).expect("a file");
    }
    let (name, driver) = language.driver;
    std::fs::write(folder.join(name), driver).expect("a file");
    Some((app, daemon))
}

const TOKEN: &str = "a-token-that-the-shop-knows";

/// The block of docs/notifications.md that begins with this line.
fn example(first_line: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/notifications.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let blocks = page.split("```").skip(1).step_by(2);
    let content = |block: &str| block.split_once('\n').map(|(_, content)| content.to_owned());
    let mut blocks = blocks.filter_map(content);
    let found = blocks.find(|content| content.starts_with(first_line));
    found.unwrap_or_else(|| {
        panic!("docs/notifications.md has no block that begins with {first_line}")
    })
}

impl Language {
    fn command(&self, daemon: &Daemon, more: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.arguments).args(more).stdout(Stdio::piped());
        daemon_environment(&mut command, daemon);
        command
    }

    /// What the example makes of a notification.
    fn told(&self, daemon: &Daemon, message: &Asked, body: &[u8]) -> String {
        output(&mut self.command(daemon, &["told", &headers(message)]), body)
    }
}

fn daemon_environment<'c>(command: &'c mut Command, daemon: &Daemon) -> &'c mut Command {
    command
        .current_dir(daemon.options().folder())
        .env("PAYHOOKD_API", format!("http://{}", daemon.admin))
        .env("PAYHOOKD_API_TOKEN", TOKEN)
        .env("PAYHOOKD_NOTIFY_SECRET", SECRET)
}

fn output(command: &mut Command, input: &[u8]) -> String {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    // It may have seen enough.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

fn headers(message: &Asked) -> String {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let pairs = names.map(|name| (name, message.header(name).expect("a header")));
    json!(pairs.into_iter().collect::<std::collections::BTreeMap<_, _>>()).to_string()
}

/// The message of this type, once it has come.
fn message(app: &App, kind: &str) -> Asked {
    let of_kind = |asked: &Asked| asked.text().contains(&format!("\"type\":\"{kind}\""));
    wait_until("the app is told", || app.fake.asked().iter().any(of_kind));
    app.fake.asked().into_iter().find(of_kind).expect("it was told")
}
