//! The rooms of the source: each imports only what stands below it, so there is no circle between two of them.

use std::fs;
use std::path::Path;

/// From the top floor down.
const ROOMS: &str = "main cli http monitor reconcile alerts notify config clients store store::write \
    store::read store::engine store::file store::tables store::error simulator json i18n telemetry system \
    providers domain version";

/// On which floor a module is: that of the longest name in [`ROOMS`] that it begins with.
fn floor(module: &[&str]) -> Option<usize> {
    let is_in =
        |room: &str| room.split("::").eq(module.iter().copied().take(room.split("::").count()));
    let rooms = ROOMS.split_whitespace().enumerate().filter(|(_, room)| is_in(room));
    rooms.max_by_key(|(_, room)| room.len()).map(|(floor, _)| floor)
}

/// The modules that `text`, of the file of `module`, names: each path that begins with `crate` or `super`.
fn named<'t>(text: &'t str, module: &[&'t str]) -> Vec<Vec<&'t str>> {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut paths = Vec::new();
    for line in lines {
        // Who may see an item is no import.
        let is_restricted = line.trim_start().starts_with("pub(");
        let line =
            if is_restricted { line.split_once(')').map_or("", |(_, rest)| rest) } else { line };
        let is_part = |char: char| char.is_alphanumeric() || "_:{".contains(char);
        for path in line.split(|char| !is_part(char)) {
            let parts: Vec<&str> = path.split("::").collect();
            let supers = parts.iter().take_while(|part| **part == "super").count();
            let rest = || parts[supers.max(1)..].iter().copied();
            if parts[0] == "crate" && parts.get(1).is_some_and(|part| part.starts_with('{')) {
                let group = line.split_once('{').map_or("", |(_, group)| group);
                let names = group.trim_end_matches("};").split(',');
                paths.extend(
                    names.map(|name| vec![name.trim().split("::").next().unwrap_or_default()]),
                );
            } else if parts[0] == "crate" {
                paths.push(rest().collect());
            } else if supers > 0 && line.contains("use ") {
                let above = module.len().saturating_sub(supers);
                paths.push(module[..above].iter().copied().chain(rest()).collect());
            }
        }
    }
    paths
}

fn look(folder: &Path, above: &[&str], upwards: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let module: Vec<&str> = match &*name {
            "mod" | "lib" => above.to_vec(),
            name => above.iter().copied().chain([name]).collect(),
        };
        if path.is_dir() {
            look(&path, &module, upwards);
        } else if path.extension().is_some_and(|suffix| suffix == "rs")
            && name != "tests"
            && name != "lib"
        {
            let mine = floor(&module).unwrap_or_else(|| panic!("{} is in no room", path.display()));
            let text = fs::read_to_string(&path).expect("a file of the source");
            for target in named(&text, &module) {
                if floor(&target).is_some_and(|floor| floor < mine) {
                    upwards.push(format!("{} imports {}", path.display(), target.join("::")));
                }
            }
        }
    }
}

#[test]
fn no_room_imports_one_above_it() {
    let mut upwards = Vec::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut upwards);
    assert!(upwards.is_empty(), "put it lower, or pass it down:\n{}", upwards.join("\n"));
}

#[test]
fn people_are_told_nothing_outside_the_catalogue() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut strays = Vec::new();
    find_french(&source, &source, &mut strays);
    assert!(strays.is_empty(), "say it in src/i18n, in both languages:\n{}", strays.join("\n"));
}

fn find_french(folder: &Path, source: &Path, strays: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(source).expect("within").to_string_lossy().into_owned();
        if path.is_dir() && name != "i18n" {
            find_french(&path, source, strays);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("a file of the source");
            let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            let is_french = |char| "àâçéèêëîïôùûœÀÂÇÉÈÊÎÔŒ«»".contains(char);
            let lines = code.lines().enumerate().filter(|(_, line)| line.contains(is_french));
            strays.extend(lines.map(|(at, line)| format!("src/{name}:{}: {line}", at + 1)));
        }
    }
}

/// The types that the store is read and written through; another engine would have to have all that they can.
const FACE: &[&str] = &["Reader", "Readers", "Database", "Store", "Writer", "CommitSignal"];
/// As many methods are still looked over in a minute.
const METHODS: usize = 60;

#[test]
fn the_face_of_the_store_is_narrow() {
    let mut methods = Vec::new();
    methods_of_face(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"), &mut methods);
    assert!(methods.contains(&"Reader::open".to_owned()), "{methods:?}");
    assert!(
        methods.len() <= METHODS,
        "{} public methods: make it one of a family (src/store/read/families.rs), or a job \
         (src/store/jobs.rs):\n{}",
        methods.len(),
        methods.join("\n")
    );
}

/// The public methods of the types of [`FACE`] in the blocks that begin a line with `impl`.
fn methods_of_face(folder: &Path, methods: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            methods_of_face(&path, methods);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a file of the source");
        for block in text.split("\nimpl ").skip(1) {
            let (name, block) = block.split_once(" {\n").unwrap_or_default();
            let body = block.split("\n}").next().unwrap_or_default();
            let lines = body.lines().filter_map(|line| line.strip_prefix("    pub "));
            let names = lines.filter_map(|line| {
                let is_function = line.starts_with("fn ") || line.contains(" fn ");
                line.split_once("fn ").filter(|_| is_function).map(|(_, rest)| rest)
            });
            let names = names.filter_map(|rest| rest.split(['(', '<']).next());
            methods.extend(
                names.filter(|_| FACE.contains(&name)).map(|method| format!("{name}::{method}")),
            );
        }
    }
}
