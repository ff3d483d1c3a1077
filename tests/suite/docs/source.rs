//! What docs/architecture.md and CONTRIBUTING.md say of the source.

use super::{Page, read, rows, spans};

#[test]
fn the_table_of_the_folders_is_the_list_of_the_library() {
    let library = read("src/lib.rs");
    let modules = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let page = Page::new("docs/architecture.md");
    let told = rows(&page.text, "| `src/` | holds |").into_iter().flat_map(|cells| spans(cells[0]));
    let told: Vec<String> = told.map(|name| name.trim_end_matches(".rs").trim_end_matches('/').to_owned()).collect();
    assert_eq!(told, modules.chain(["main"]).collect::<Vec<_>>());
}

/// `Stage::shown` and the like.
#[test]
fn functions_that_a_page_names_are_there() {
    let sources = super::interfaces::sources(&super::root().join("src"));
    for page in [Page::new("docs/architecture.md"), Page::new("CONTRIBUTING.md")] {
        for span in page.spans() {
            let Some((owner, name)) = span.rsplit_once("::") else { continue };
            let owner = owner.rsplit("::").next().unwrap();
            let is_owner = owner.starts_with(|first: char| first.is_ascii_uppercase());
            let owners = ["struct", "enum", "trait"].map(|kind| format!("{kind} {owner}"));
            let has_owner = !is_owner || owners.iter().any(|known| sources.contains(known));
            let name = name.trim_end_matches("()");
            let has_name = [format!("fn {name}"), format!(" {name},"), format!(" {name}("), format!(" {name} {{")];
            assert!(has_owner && has_name.iter().any(|known| sources.contains(known)), "{}: {span}", page.path);
        }
    }
}
