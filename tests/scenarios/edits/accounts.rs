//! The same for accounts: one with projects, which lets less be changed than any other.

use serde_json::{Value, json};
use testbed::azure::names;

use super::routes::{Edit, Refused, Taken, by_every_route};
use crate::common::account;

fn key(spec: &mut Value) -> &mut Value {
    &mut spec["encryption"]["customerManagedKey"]
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

const EDITS: &[Edit] = &[
    Edit {
        name: "mode",
        steps: &[|spec| spec["encryption"] = json!({ "mode": "MicrosoftManaged" })],
        verdict: Refused("spec.encryption.mode"),
    },
    Edit {
        name: "projects left out, and then the mode",
        steps: &[
            |spec| remove(spec, "allowProjectManagement"),
            |spec| spec["encryption"] = json!({ "mode": "MicrosoftManaged" }),
        ],
        verdict: Refused("spec.encryption.mode"),
    },
    Edit {
        name: "another vault",
        steps: &[|spec| key(spec)["vault"] = json!(names::vault(names::OTHER_VAULT))],
        verdict: Refused("spec.encryption.customerManagedKey"),
    },
    Edit {
        name: "another key",
        steps: &[|spec| key(spec)["key"] = json!(names::OTHER_KEY)],
        verdict: Taken,
    },
    Edit {
        name: "the key's identity removed",
        steps: &[|spec| remove(key(spec), "identity")],
        verdict: Refused("spec.encryption.customerManagedKey"),
    },
    Edit {
        name: "the encryption removed",
        steps: &[|spec| remove(spec, "encryption")],
        verdict: Refused("spec.encryption"),
    },
    Edit {
        name: "another kind of account",
        steps: &[|spec| spec["accountKind"] = json!("SpeechServices")],
        verdict: Refused("spec.a"),
    },
    Edit {
        name: "the kind's letter case",
        steps: &[|spec| spec["accountKind"] = json!("aiservices")],
        verdict: Taken,
    },
    Edit {
        name: "projects no more",
        steps: &[|spec| spec["allowProjectManagement"] = json!(false)],
        verdict: Refused("spec.allowProjectManagement"),
    },
    Edit {
        name: "another subdomain",
        steps: &[|spec| spec["customSubDomainName"] = json!("elsewhere")],
        verdict: Refused("spec.customSubDomainName"),
    },
    Edit {
        name: "the subdomain left out, then another",
        steps: &[
            |spec| remove(spec, "customSubDomainName"),
            |spec| spec["customSubDomainName"] = json!("elsewhere"),
        ],
        verdict: Refused("spec.customSubDomainName"),
    },
    Edit {
        name: "another region",
        steps: &[|spec| spec["location"] = json!("northeurope")],
        verdict: Refused("spec.location"),
    },
    Edit {
        name: "another group",
        steps: &[|spec| spec["resourceGroup"] = json!("rg-other")],
        verdict: Refused("spec.resourceGroup"),
    },
    Edit {
        name: "another name",
        steps: &[|spec| spec["azureName"] = json!("renamed")],
        verdict: Refused("spec.azureName"),
    },
    Edit {
        name: "another tier",
        steps: &[|spec| spec["sku"] = json!("S1")],
        verdict: Taken,
    },
    Edit {
        name: "deletion policy",
        steps: &[|spec| spec["deletionPolicy"] = json!("Delete")],
        verdict: Taken,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn of_an_account_by_every_route() {
    by_every_route("edits-accounts", "AIServicesAccount", EDITS, &[], account).await;
}
