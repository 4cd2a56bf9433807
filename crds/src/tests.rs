//! The CRD as the API server will see it.

use std::path::PathBuf;

use kube::CustomResourceExt;

use strum::IntoEnumIterator;

use crate::{AIHub, ConditionType, Reason};

/// The committed file and the copy that the chart carries.
#[test]
fn the_committed_crds_are_what_the_types_say() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let generated = format!(
        "# Generated from the types in crds/src; `UPDATE=1 cargo test` refreshes it.\n{}",
        serde_saphyr::to_string(&AIHub::crd()).unwrap()
    );
    for path in [
        "aihubs.keyholder.dev.yaml",
        "../charts/keyholder/files/aihubs.keyholder.dev.yaml",
    ] {
        let path = here.join(path);
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
