use keyholder_crds::{AIProject, ConditionType, OperationKind, Reason, ResourceStatus};
use serde_json::{Value, json};

use crate::arm_id::ArmId;
use crate::fixtures::{self, Pass, SUBSCRIPTION, at_second, id, pass};
use crate::judge::{stored, stored_reason};
use crate::kind::Kind;
use crate::name::Location;
use crate::observed::{Fact, Live, LiveProject, Observed, PolicyOutlook, Why};
use crate::parent::Parent;
use crate::plan::{Plan, Request, Write};
use crate::report::{Executed, Report};
use crate::validate::{ACCOUNT, Declared, Validate, WORKSPACE};

mod agents;
mod around;
mod failed;
mod parents;

fn object(spec: &Value) -> AIProject {
    let mut whole = json!({ "parentRef": { "kind": "AIHub", "name": "research" } });
    let (whole_map, spec) = (whole.as_object_mut().unwrap(), spec.as_object().unwrap());
    whole_map.extend(spec.clone());
    serde_json::from_value(json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIProject",
        "metadata": { "name": "churn", "namespace": "ml-platform", "generation": 1 },
        "spec": whole,
    }))
    .unwrap()
}

fn hub() -> Parent {
    Parent {
        id: id(WORKSPACE, "research"),
        location: Location::parse("westeurope").unwrap(),
        waits_for: None,
    }
}

fn not_ready(message: &str) -> Why {
    Why {
        reason: Reason::ParentNotReady,
        message: message.to_owned(),
        retry_at: None,
    }
}

fn account() -> Parent {
    Parent {
        id: id(ACCOUNT, "foundry"),
        ..hub()
    }
}

fn declared(spec: &Value, parent: &Parent) -> Declared {
    object(spec).validate("owner", Some(parent)).unwrap()
}

fn errors(spec: &Value, parent: Option<&Parent>) -> Vec<String> {
    let errors = object(spec).validate("owner", parent).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

/// Everything that a creation needs is there.
fn ready(project: &Declared) -> Observed {
    let hub = fixtures::object("Delete").validate("owner", None).unwrap();
    let mut observed = fixtures::ready_for_creation(&hub);
    observed.parent = Fact::Known(fixtures::live(&hub, "Succeeded"));
    observed.providers = project
        .kind
        .rules()
        .providers(false)
        .iter()
        .map(|name| ((*name).to_owned(), Fact::Known(true)))
        .collect();
    observed.policy = Fact::Known(PolicyOutlook::default());
    observed
}

fn live(project: &Declared) -> Live {
    let hub = fixtures::object("Delete").validate("owner", None).unwrap();
    Live {
        id: project.id.clone(),
        kind: "project".to_owned(),
        tags: project.all_tags(),
        user_assigned: Vec::new(),
        system_assigned: true,
        system_assigned_principal: Some("00000000-0000-0000-0000-00000000000a".to_owned()),
        encryption: None,
        managed_group: None,
        project: Some(Box::new(LiveProject {
            parent: project.kind.parent().unwrap().clone(),
            display_name: None,
            description: None,
        })),
        ..fixtures::live(&hub, "Succeeded")
    }
}

fn decide(project: &Declared, status: &ResourceStatus, observed: &Observed) -> (Plan, Report) {
    let Pass { plan, report } = pass(project, status, observed, 100, false, &Executed::Nothing);
    (plan, report)
}

fn deleting(declared: &Declared, status: &ResourceStatus, observed: &Observed) -> Plan {
    pass(declared, status, observed, 100, true, &Executed::Nothing).plan
}

fn body(plan: &Plan) -> &Value {
    match &plan.write.as_ref().expect("a write").request {
        Request::Put(body) | Request::Patch(body) => body,
        other => panic!("{other:?}"),
    }
}

fn reason_of(report: &Report, of: ConditionType) -> Option<Reason> {
    stored_reason(&report.status, of)
}

fn message_of(report: &Report, of: ConditionType) -> String {
    stored(&report.status, of).unwrap().message.clone()
}

/// The status of a project that is there and in order.
fn settled(project: &Declared) -> (ResourceStatus, Observed) {
    let mut observed = ready(project);
    observed.live = Fact::Known(live(project));
    let (plan, report) = decide(project, &ResourceStatus::default(), &observed);
    assert_eq!(plan.write, None);
    (report.status, observed)
}

#[test]
fn a_project_is_put_beside_its_hub_or_within_its_account() {
    let under_hub = declared(&json!({}), &hub());
    assert_eq!(under_hub.id, id(WORKSPACE, "churn"));
    let under_account = declared(&json!({}), &account());
    assert_eq!(
        under_account.id.as_str(),
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts/foundry/projects/churn"
        )
    );
}

#[test]
fn a_project_of_a_hub_says_its_hub_and_nothing_of_encryption() {
    let project = declared(
        &json!({ "displayName": "Churn", "description": "Who leaves." }),
        &hub(),
    );
    let (plan, _) = decide(&project, &ResourceStatus::default(), &ready(&project));
    let write = plan.write.clone().unwrap();
    assert_eq!(write.kind, OperationKind::Create);
    assert_eq!(
        body(&plan),
        &json!({
            "kind": "Project", "location": "westeurope",
            "identity": { "type": "SystemAssigned" },
            "tags": { "keyholder-owner": "owner/ml-platform/churn" },
            "properties": {
                "hubResourceId": id(WORKSPACE, "research").as_str(), "friendlyName": "Churn", "description": "Who leaves.",
            },
        })
    );
    let bound = write.bound.unwrap();
    assert_eq!(
        (bound.mode, bound.parent, bound.parent_object.as_deref()),
        (
            None,
            Some(id(WORKSPACE, "research").lower()),
            Some("AIHub/research")
        )
    );
}

#[test]
fn a_project_of_an_account_has_no_kind_and_names_no_parent() {
    let project = declared(&json!({ "displayName": "Churn" }), &account());
    let mut observed = ready(&project);
    observed.parent = Fact::Known(account_live(true));
    let (plan, _) = decide(&project, &ResourceStatus::default(), &observed);
    assert_eq!(
        body(&plan),
        &json!({
            "location": "westeurope", "identity": { "type": "SystemAssigned" },
            "tags": { "keyholder-owner": "owner/ml-platform/churn" },
            "properties": { "displayName": "Churn" },
        })
    );
}

fn account_live(projects: bool) -> Live {
    let hub = fixtures::object("Delete").validate("owner", None).unwrap();
    Live {
        id: id(ACCOUNT, "foundry"),
        kind: "aiservices".to_owned(),
        account: Some(Box::new(crate::observed::LiveAccount {
            sku: "S0".to_owned(),
            sub_domain: None,
            projects,
        })),
        ..fixtures::live(&hub, "Succeeded")
    }
}

#[test]
fn identities_that_are_not_declared_are_given_once_and_left_alone_afterwards() {
    let project = declared(&json!({}), &hub());
    let (status, mut observed) = settled(&project);
    let Fact::Known(live) = &mut observed.live else {
        panic!("the project is known")
    };
    live.user_assigned = vec![id("Microsoft.ManagedIdentity/userAssignedIdentities", "theirs")];
    assert_eq!(decide(&project, &status, &observed).0.write, None);
    let named = declared(&json!({ "identity": { "systemAssigned": true } }), &hub());
    let (plan, _) = decide(&named, &status, &observed);
    assert_eq!(body(&plan)["identity"]["type"], "SystemAssigned");
}

#[test]
fn what_was_waited_for_is_over_once_it_is_there() {
    let project = declared(&json!({}), &hub());
    let waiting = declared(
        &json!({}),
        &Parent {
            waits_for: Some(not_ready("Provisioned of AIHub research is not known so far.")),
            ..hub()
        },
    );
    let (_, report) = decide(&waiting, &ResourceStatus::default(), &Observed::nothing());
    assert_eq!(
        reason_of(&report, ConditionType::PrerequisitesMet),
        Some(Reason::ParentNotReady)
    );
    assert_eq!(report.status.preflight.len(), 1);
    let (_, observed) = settled(&project);
    let (_, report) = decide(&project, &report.status, &observed);
    assert_eq!(
        reason_of(&report, ConditionType::PrerequisitesMet),
        Some(Reason::ChecksPassed)
    );
}

#[test]
fn one_that_azure_has_under_another_hub_is_not_taken_over() {
    let project = declared(&json!({ "adoptionPolicy": "Adopt" }), &hub());
    let mut observed = ready(&project);
    let mut found = live(&project);
    found.tags.clear();
    found.project.as_mut().unwrap().parent = id(WORKSPACE, "other");
    observed.live = Fact::Known(found.clone());
    let (plan, report) = decide(&project, &ResourceStatus::default(), &observed);
    assert_eq!(plan.write, None);
    assert_eq!(
        reason_of(&report, ConditionType::Provisioned),
        Some(Reason::AdoptionRefused)
    );
    found.project.as_mut().unwrap().parent = id(WORKSPACE, "research");
    observed.live = Fact::Known(found);
    let (plan, _) = decide(&project, &ResourceStatus::default(), &observed);
    assert_eq!(
        body(&plan),
        &json!({ "tags": { "keyholder-owner": "owner/ml-platform/churn" } })
    );
}

#[test]
fn texts_are_changed_by_what_differs_alone_and_never_taken_away() {
    for (parent, title) in [(hub(), "friendlyName"), (account(), "displayName")] {
        let project = declared(&json!({ "displayName": "Churn" }), &parent);
        let (status, mut observed) = {
            let plain = declared(&json!({}), &parent);
            settled(&plain)
        };
        let (plan, _) = decide(&project, &status, &observed);
        assert_eq!(body(&plan), &json!({ "properties": { title: "Churn" } }));

        let Fact::Known(live) = &mut observed.live else {
            panic!("the project is known")
        };
        live.project.as_mut().unwrap().display_name = Some("Churn".to_owned());
        live.project.as_mut().unwrap().description = Some("Somebody's".to_owned());
        assert_eq!(decide(&project, &status, &observed).0.write, None);
        let nothing = declared(&json!({}), &parent);
        assert_eq!(decide(&nothing, &status, &observed).0.write, None);
    }
}

#[test]
fn a_failed_change_of_a_project_that_was_in_order_is_no_new_creation() {
    let project = declared(&json!({ "displayName": "Churn" }), &hub());
    let (status, mut observed) = settled(&declared(&json!({}), &hub()));
    let Fact::Known(live) = &mut observed.live else {
        panic!("the project is known")
    };
    live.provisioning_state = Some("Failed".to_owned());
    let (plan, report) = decide(&project, &status, &observed);
    assert!(matches!(
        &plan.write,
        Some(Write {
            request: Request::Patch(_),
            ..
        })
    ));
    assert_ne!(
        stored(&report.status, ConditionType::Ready).unwrap().status,
        "True"
    );
}

#[test]
fn it_is_deleted_for_good_where_the_request_can_say_so() {
    for (parent, purge) in [(hub(), true), (account(), false)] {
        let project = declared(&json!({ "deletionPolicy": "DeleteAndPurge" }), &parent);
        let (status, observed) = settled(&project);
        let plan = deleting(&project, &status, &observed);
        assert_eq!(plan.write.unwrap().request, Request::Delete { purge });
    }
}

#[test]
fn a_hub_is_not_deleted_while_it_has_projects() {
    let hub = fixtures::object("Delete").validate("owner", None).unwrap();
    let mut observed = fixtures::ready_for_creation(&hub);
    observed.live = Fact::Known(fixtures::live(&hub, "Succeeded"));
    let (_, report) = decide(&hub, &ResourceStatus::default(), &observed);
    let names = |count: usize| -> Vec<ArmId> {
        (0..count)
            .map(|n| id(WORKSPACE, &format!("project-{n}")))
            .collect()
    };
    observed.projects = Fact::Known(names(12));
    // What was written before is over, and keeps nobody from writing in the meantime.
    let mut status = report.status.clone();
    status.operation = Some(keyholder_crds::Operation {
        kind: OperationKind::Update,
        state: keyholder_crds::OperationState::Running,
        intent: "tags".to_owned(),
        generation: Some(1),
        started_at: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at_second(50)),
        url: None,
        not_before: None,
    });
    let plan = deleting(&hub, &status, &observed);
    assert_eq!((plan.write, plan.judgement.operation), (None, None));
    let plan = deleting(&hub, &report.status, &observed);
    let crate::judge::Opinion::Is(verdict) = &plan.judgement.provisioned else {
        panic!("it says why")
    };
    assert_eq!(verdict.reason, Reason::HasProjects);
    assert!(
        verdict.message.contains("project-9, and 2 more"),
        "{}",
        verdict.message
    );

    observed.projects = Fact::Unknown(Why {
        reason: Reason::AzureUnreachable,
        message: "no answer".to_owned(),
        retry_at: Some(at_second(60)),
    });
    assert_eq!(deleting(&hub, &report.status, &observed).write, None);
    observed.projects = Fact::Known(Vec::new());
    let plan = deleting(&hub, &report.status, &observed);
    assert_eq!(plan.write.unwrap().kind, OperationKind::Delete);
}

#[test]
fn mistakes_are_told_with_their_fields() {
    let by_id = |id: &str, location: Option<&str>| {
        let mut spec = json!({ "parentRef": { "resourceId": id } });
        if let Some(location) = location {
            spec["location"] = json!(location);
        }
        spec
    };
    let whole = id(WORKSPACE, "research").to_string();
    assert!(matches!(
        object(&by_id(&whole, Some("westeurope"))).validate("owner", None).unwrap().kind,
        Kind::Project(project) if project.parent == id(WORKSPACE, "research")
    ));
    for (spec, path) in [
        (
            by_id("research", Some("westeurope")),
            "spec.parentRef.resourceId: ",
        ),
        (
            by_id(id("Microsoft.KeyVault/vaults", "v").as_str(), Some("westeurope")),
            "spec.parentRef.resourceId: ",
        ),
        (by_id(&whole, None), "spec.location: "),
    ] {
        let errors = errors(&spec, None);
        assert!(errors.iter().any(|error| error.starts_with(path)), "{errors:?}");
    }
    let same = errors(&json!({ "azureName": "Research" }), Some(&hub()));
    assert!(same.first().unwrap().starts_with("spec.azureName: "), "{same:?}");
    assert!(
        object(&json!({ "azureName": "foundry" }))
            .validate("owner", Some(&account()))
            .is_ok()
    );
    let short = errors(&json!({ "azureName": "ab" }), Some(&hub()));
    assert!(
        short.first().unwrap().starts_with("spec.azureName: "),
        "{short:?}"
    );
    assert!(
        object(&json!({ "azureName": "ab" }))
            .validate("owner", Some(&account()))
            .is_ok()
    );
    assert_eq!(errors(&json!({}), None).len(), 1);
}
