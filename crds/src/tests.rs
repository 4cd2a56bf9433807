//! The CRD as the API server will see it.

use std::path::PathBuf;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResourceExt, ResourceExt};

use strum::IntoEnumIterator;

use crate::{AIHub, AIProject, AIServicesAccount, ConditionType, Reason};

/// The committed files and the copies that the chart carries.
#[test]
fn the_committed_crds_are_what_the_types_say() {
    for crd in [AIHub::crd(), AIServicesAccount::crd(), AIProject::crd()] {
        committed_is(&crd);
    }
}

fn committed_is(crd: &CustomResourceDefinition) {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let name = crd.name_any();
    let generated = format!(
        "# Generated from the types in crds/src; `UPDATE=1 cargo test` refreshes it.\n{}",
        serde_saphyr::to_string(crd).unwrap()
    );
    for folder in ["", "../charts/keyholder/files"] {
        let path = here.join(folder).join(format!("{name}.yaml"));
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
