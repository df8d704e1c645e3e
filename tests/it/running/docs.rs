//! README and docs lead where they say, and leave out nothing that can be set, said or met.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use payhookd::cli::Cli;
use payhookd::config::SECRETS;
use payhookd::config::options::variables;
use payhookd::domain::issue::IssueKind;
use payhookd::domain::orphan::OrphanKind;
use payhookd::domain::transaction::{AmountCheck, DisputeStatus, Status};

/// A file of the documentation, by its path from the top.
struct Page {
    path: PathBuf,
    text: String,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Page {
    fn read(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        let text = std::fs::read_to_string(top().join(&path)).expect("a page");
        Self { path, text }
    }

    /// README and every page of docs.
    fn all() -> Vec<Self> {
        let folder = std::fs::read_dir(top().join("docs")).expect("docs");
        let names =
            folder.map(|entry| PathBuf::from("docs").join(entry.expect("a file").file_name()));
        let pages = names.filter(|path| path.extension().is_some_and(|it| it == "md"));
        [PathBuf::from("README.md")].into_iter().chain(pages).map(Self::read).collect()
    }

    /// Its lines outside of blocks of code.
    fn prose(&self) -> impl Iterator<Item = &str> {
        let mut in_code = false;
        self.text.lines().filter(move |line| {
            let fence = line.trim_start().starts_with("```");
            in_code ^= fence;
            !in_code && !fence
        })
    }

    fn headings(&self) -> impl Iterator<Item = &str> {
        let heading = |line: &str| line.starts_with('#');
        self.prose()
            .filter(move |line| heading(line))
            .map(|line| line.trim_start_matches(['#', ' ']))
    }

    /// What the links to its headings are, as code hosts make them.
    fn anchors(&self) -> BTreeSet<String> {
        let anchor = |heading: &str| {
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
        };
        self.headings().map(anchor).collect()
    }

    /// Where its links and pictures lead, without those that leave the project.
    fn links(&self) -> Vec<&str> {
        let targets = self.prose().flat_map(|line| {
            line.split("](").skip(1).map(|rest| rest.split_once(')').expect("a whole link").0)
        });
        targets.filter(|target| !target.starts_with("https://")).collect()
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    for page in Page::all() {
        let folder = page.path.parent().expect("a folder");
        for link in page.links() {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if file.is_empty() { page.path.clone() } else { folder.join(file) };
            let from = page.path.display();
            assert!(top().join(&path).is_file(), "{from}: {link} leads to no file");
            let found = anchor.is_empty() || Page::read(&path).anchors().contains(anchor);
            assert!(found, "{from}: {link} leads to no heading");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} links were found");
}

#[test]
fn the_front_page_leads_to_every_other() {
    let front = Page::read("README.md");
    for page in Page::all().into_iter().skip(1) {
        let path = page.path.to_str().expect("a plain name");
        assert!(front.links().contains(&path), "README does not lead to {path}");
    }
}

#[test]
fn every_setting_is_documented() {
    let settings = Page::read("docs/settings.md");
    let (flags, secrets) = settings.text.split_once("Secrets have no flags").expect("two tables");
    for argument in Cli::command().get_arguments().filter(|argument| !argument.is_hide_set()) {
        let Some(flag) = argument.get_long() else { continue };
        // These three are commands rather than settings.
        if ["help", "version", "migrate"].contains(&flag) {
            continue;
        }
        assert!(flags.contains(&format!("`--{flag}`")), "docs/settings.md lacks --{flag}");
        if let Some(variable) = argument.get_env().and_then(|name| name.to_str()) {
            assert!(flags.contains(&format!("`{variable}`")), "docs/settings.md lacks {variable}");
        }
    }
    for name in SECRETS {
        assert!(secrets.contains(&format!("`{name}`")), "{name} is not among the secrets");
    }
    for name in &variables() {
        // Any secret may stand in a file: that is said once for all.
        let base = name.strip_suffix("_FILE").unwrap_or(name);
        let of_file = base != name && secrets.contains(&format!("`{base}`"));
        let itself = settings.text.contains(&format!("`{name}`"));
        assert!(of_file || itself, "docs/settings.md lacks {name}");
    }
}

#[test]
fn every_command_is_documented() {
    let all: String = Page::all().into_iter().map(|page| page.text).collect();
    let command = Cli::command();
    for command in command.get_subcommands() {
        let name = command.get_name();
        let under = command.get_subcommands().map(|under| format!("{name} {}", under.get_name()));
        let mut words: Vec<String> = under.collect();
        if words.is_empty() {
            words.push(name.to_owned());
        }
        for words in words {
            let said = ["payhookd ", "`"].iter().any(|before| {
                let said = format!("{before}{words}");
                let mut after = all.split(&said).skip(1).map(|rest| rest.chars().next());
                after.any(|c| c.is_none_or(|c| !c.is_alphanumeric() && c != '-'))
            });
            assert!(said, "payhookd {words} is documented nowhere");
        }
    }
}

#[test]
fn every_word_that_people_meet_is_documented() {
    let words: [(&str, Vec<&str>); 5] = [
        ("docs/alerts.md", IssueKind::ALL.iter().map(|word| word.as_str()).collect()),
        ("docs/transactions.md", OrphanKind::ALL.iter().map(|word| word.as_str()).collect()),
        ("docs/transactions.md", Status::ALL.iter().map(|word| word.as_str()).collect()),
        ("docs/transactions.md", DisputeStatus::ALL.iter().map(|word| word.as_str()).collect()),
        ("docs/transactions.md", AmountCheck::ALL.iter().map(|word| word.as_str()).collect()),
    ];
    for (path, words) in words {
        let page = Page::read(path);
        for word in words {
            assert!(page.text.contains(&format!("`{word}`")), "{path} lacks {word}");
        }
    }
}

/// `docs/data.md, Backup` in a remedy of the doctor's is a heading of that page.
#[test]
fn the_doctor_refers_to_what_is_there() {
    let mut seen = 0;
    for entry in std::fs::read_dir(top().join("src/cli/doctor")).expect("the doctor") {
        let source = std::fs::read_to_string(entry.expect("a file").path()).expect("a source");
        let text = source.replace("\\\n", " ");
        for page in Page::all() {
            let path = page.path.to_str().expect("a plain name");
            let name = if path == "README.md" { "README" } else { path };
            for rest in text.split(&format!("{name}, ")).skip(1) {
                let found = page.headings().any(|heading| rest.trim_start().starts_with(heading));
                assert!(found, "{path} has no heading for: {name}, {rest:.40}");
                seen += 1;
            }
        }
        let known = Page::all().into_iter().map(|page| page.path);
        let known: BTreeSet<_> =
            known.map(|path| path.to_str().expect("plain").to_owned()).collect();
        for rest in text.split("docs/").skip(1) {
            let name = rest.split(".md").next().unwrap_or_default();
            assert!(known.contains(&format!("docs/{name}.md")), "docs/{name}.md is not there");
        }
    }
    assert!(seen > 5, "only {seen} references were found");
}
