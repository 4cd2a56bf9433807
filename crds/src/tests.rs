//! The CRD as the API server will see it.

use std::path::PathBuf;

use kube::CustomResourceExt;

use crate::AIHub;

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
