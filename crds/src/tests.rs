//! The CRD as the API server will see it.

use std::path::PathBuf;

use kube::CustomResourceExt;

use strum::IntoEnumIterator;

use crate::{AIHub, ConditionType, Reason};

#[test]
fn committed_crd_is_what_the_types_say() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("aihubs.keyholder.dev.yaml");
    let generated = format!(
        "# Generated from the types in crds/src; `UPDATE=1 cargo test` refreshes it.\n{}",
        serde_saphyr::to_string(&AIHub::crd()).unwrap()
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == generated,
        "{} is stale: run UPDATE=1 cargo test -p keyholder-crds",
        path.display()
    );
}

#[test]
fn the_conditions_page_explains_every_type_and_reason() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/conditions.md");
    let page = std::fs::read_to_string(path).unwrap();
    let names = ConditionType::iter()
        .map(|one| one.to_string())
        .chain(Reason::iter().map(|one| one.to_string()));
    let missing: Vec<String> = names
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "docs/conditions.md lacks {missing:?}");
}

#[test]
fn the_chart_carries_the_same_crd() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let crd = std::fs::read_to_string(here.join("aihubs.keyholder.dev.yaml")).unwrap();
    let copy = here.join("../charts/keyholder/files/aihubs.keyholder.dev.yaml");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&copy, &crd).unwrap();
    }
    assert!(std::fs::read_to_string(&copy).unwrap() == crd, "{} is stale: run UPDATE=1 cargo test", copy.display());
}
