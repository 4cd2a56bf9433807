//! Projects: workspaces of kind Project under a hub (api-version 2026-05-01), `accounts/projects` under an account (2026-07-01).
//!
//! A project has no encryption of its own, whatever an answer of Azure's shows (terraform-provider-azurerm, ai_foundry_project).

use keyholder_crds::{AIProject, Bound, ComputeEncryption, Identity, ParentRef};
use serde_json::{Map, Value, json};

use super::{Associated, Changed, Fixed, KeyToUse, Kind, Rules, account, hub};
use crate::arm_id::ArmId;
use crate::compute;
use crate::encryption::KeyChange;
use crate::matrix::Profile;
use crate::name::Location;
use crate::observed::{Body, Live, Why};
use crate::parent::{self, Parent};
use crate::validate::{ACCOUNT, Checker, Common, Declared, FieldError, Validate, WORKSPACE};

/// What only a project declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its hub or its account: the one that it is bound to, if it is.
    pub parent: ArmId,
    /// The one that the spec names now.
    pub declared_parent: ArmId,
    /// Kind and name of the parent's object, if that names it.
    pub parent_object: Option<String>,
    /// Why it must not be created so far, if its parent's object says so.
    pub waits_for: Option<Why>,
    /// The name that people see, if it is declared.
    pub display_name: Option<String>,
    /// What it is for, if that is declared.
    pub description: Option<String>,
    /// Whether identities are declared: without, a new project gets one of its own, and what one has stays.
    pub declares_identities: bool,
}

/// One of its own: the project works with it.
static OWN_IDENTITY: Identity = Identity {
    user_assigned: Vec::new(),
    system_assigned: Some(true),
};

impl Validate for AIProject {
    fn parent_ref(&self) -> Option<&ParentRef> {
        Some(&self.spec.parent_ref)
    }

    fn validate(&self, owner_id: &str, parent: Option<&Parent>) -> Result<Declared, Vec<FieldError>> {
        let spec = &self.spec;
        let named = match (&spec.parent_ref.resource_id, parent) {
            (Some(id), _) => by_id(id, spec.location.as_deref())?,
            (None, Some(parent)) => parent.clone(),
            (None, None) => return Err(vec![wrong("spec.parentRef", "its parent is not known")]),
        };
        let bound = self.status.as_ref().and_then(|status| status.bound.as_ref());
        let parent = match bound.and_then(parent::of_bound) {
            Some(bound) if bound.id != named.id => bound,
            _ => named.clone(),
        };
        let under_hub = parent.id.is_type(WORKSPACE);
        let within = format!("{ACCOUNT}/{}/projects", parent.id.name());
        let common = Common {
            metadata: &self.metadata,
            subscription_id: parent.id.subscription(),
            resource_group: parent.id.resource_group(),
            location: parent.location.as_str(),
            azure_name: spec.azure_name.as_deref(),
            identity: spec.identity.as_ref().unwrap_or(&OWN_IDENTITY),
            mode: None,
            data_location: None,
            customer_managed_key: None,
            public_network_access: None,
            dependents: &[],
            tags: &spec.tags,
            deletion_policy: spec.deletion_policy,
            management_policy: spec.management_policy,
            adoption_policy: spec.adoption_policy,
            suspend: spec.suspend,
            allow_unverified: &[],
            noun: "project",
            arm_type: if under_hub { WORKSPACE } else { &within },
            has_data_location: false,
        };
        let mut check = Checker::new(&common);
        let name = spec.azure_name.as_ref().or(self.metadata.name.as_ref());
        check.that(
            !under_hub || name.is_none_or(|name| !name.eq_ignore_ascii_case(parent.id.name())),
            "spec.azureName",
            "the hub itself has this name, and hubs and projects share their names: choose another",
        );
        let fits_azure = if under_hub {
            hub::fits_azure
        } else {
            account::fits_azure
        };
        let project = Kind::Project(Project {
            parent: parent.id.clone(),
            declared_parent: named.id,
            parent_object: object_of(&spec.parent_ref),
            waits_for: parent.waits_for.clone(),
            display_name: spec.display_name.clone(),
            description: spec.description.clone(),
            declares_identities: spec.identity.is_some(),
        });
        check.declared(owner_id, Some(project), fits_azure)
    }
}

fn wrong(path: &str, message: &str) -> FieldError {
    FieldError {
        path: path.to_owned(),
        message: message.to_owned(),
    }
}

/// As the CRD's rule spells it.
fn object_of(reference: &ParentRef) -> Option<String> {
    let (kind, name) = (reference.kind?, reference.name.as_ref()?);
    Some(format!("{kind}/{name}"))
}

/// A parent that no object stands for.
fn by_id(id: &str, location: Option<&str>) -> Result<Parent, Vec<FieldError>> {
    const ID: &str = "spec.parentRef.resourceId";
    let mut errors = Vec::new();
    let parsed = ArmId::parse(id).map_err(|error| errors.push(wrong(ID, &error.to_string())));
    let parsed = parsed.ok().filter(|id| {
        let fits = id.is_type(WORKSPACE) || id.is_type(ACCOUNT);
        if !fits {
            errors.push(wrong(ID, "it is the id of neither a hub nor an account"));
        }
        fits
    });
    let location = Location::parse(location.unwrap_or_default())
        .map_err(|error| errors.push(wrong("spec.location", &error.to_string())))
        .ok();
    match parsed.zip(location) {
        Some((id, location)) => Ok(Parent {
            id,
            location,
            waits_for: None,
        }),
        None => Err(errors),
    }
}

impl Project {
    fn is_under_hub(&self) -> bool {
        self.parent.is_type(WORKSPACE)
    }

    /// The property for the name that people see.
    fn title(&self) -> &'static str {
        if self.is_under_hub() {
            "friendlyName"
        } else {
            "displayName"
        }
    }
}

impl Rules for Project {
    fn noun(&self) -> &'static str {
        "project"
    }

    fn object(&self) -> &'static str {
        "AIProject"
    }

    fn is(&self, live: &Live) -> bool {
        live.project.is_some()
    }

    fn profile(&self, _: &Bound) -> Profile {
        Profile::Project
    }

    fn parent(&self) -> Option<&Project> {
        Some(self)
    }

    fn has_agents(&self) -> bool {
        !self.is_under_hub()
    }

    fn encrypts_later(&self) -> bool {
        false
    }

    fn declares_identities(&self) -> bool {
        self.declares_identities
    }

    fn providers(&self, _: bool) -> &'static [&'static str] {
        if self.is_under_hub() {
            hub::ALWAYS
        } else {
            account::PROVIDERS
        }
    }

    fn associated(&self) -> Vec<Associated> {
        Vec::new()
    }

    fn content(&self) -> Map<String, Value> {
        let kind = self.is_under_hub().then(|| ("kind".to_owned(), json!("Project")));
        kind.into_iter().collect()
    }

    fn properties(&self, _: &Declared, _: Option<KeyToUse<'_>>, left: Option<&Live>) -> Map<String, Value> {
        let mut properties = Map::new();
        if self.is_under_hub() {
            properties.insert("hubResourceId".to_owned(), json!(self.parent.as_str()));
        }
        // What an earlier try has stays where nothing is declared.
        let have = left.and_then(|left| left.project.as_ref());
        let display_name = self.display_name.as_ref();
        if let Some(name) = display_name.or_else(|| have?.display_name.as_ref()) {
            properties.insert(self.title().to_owned(), json!(name));
        }
        let description = self.description.as_ref();
        if let Some(text) = description.or_else(|| have?.description.as_ref()) {
            properties.insert("description".to_owned(), json!(text));
        }
        properties
    }

    fn key_change(&self, _: &Declared, _: &KeyChange, _: Option<&str>) -> Option<Body> {
        None
    }

    fn changes(&self, live: &Live) -> Vec<Changed> {
        let Some(have) = &live.project else {
            return Vec::new();
        };
        [
            (self.title(), &self.display_name, &have.display_name),
            ("description", &self.description, &have.description),
        ]
        .into_iter()
        .filter(|(_, declared, have)| declared.is_some() && declared != have)
        .map(|(field, declared, _)| Changed {
            field,
            is_property: true,
            value: json!(declared),
        })
        .collect()
    }

    fn bind(&self, bound: &mut Bound) {
        bound.parent = Some(self.declared_parent.lower());
        bound.parent_object.clone_from(&self.parent_object);
    }

    fn bind_live(&self, live: &Live, declared: &Bound, bound: &mut Bound) {
        bound.mode = None;
        let parent = live.project.as_ref().map(|project| project.parent.lower());
        bound.parent = parent.or_else(|| declared.parent.clone());
        bound.parent_object.clone_from(&declared.parent_object);
    }

    fn fixed(&self, declared: &Bound, have: &Bound, _: bool) -> Vec<Fixed> {
        let other_parent = declared.parent != have.parent;
        vec![
            Fixed {
                differs: other_parent,
                path: "spec.parentRef",
                what: self
                    .fixed_at_creation("the project's parent", have.parent.as_deref().unwrap_or("none")),
            },
            Fixed {
                differs: !other_parent && declared.resource_id != have.resource_id,
                path: "spec.azureName",
                what: self.fixed_at_creation("the project's name", &have.resource_id),
            },
            Fixed {
                differs: !other_parent && declared.location != have.location,
                path: "spec.location",
                what: self.fixed_at_creation("the project's region", &have.location),
            },
        ]
    }

    fn has_place_of_its_own(&self) -> bool {
        false
    }

    fn other_identity(&self) -> &'static str {
        "A project has no key of its own"
    }

    fn drift(&self, _: &Live) -> Option<String> {
        None
    }

    fn deleted(&self, _: &Declared) -> Option<String> {
        None
    }

    fn is_purged_with_its_deletion(&self) -> bool {
        self.is_under_hub()
    }

    fn may_have_projects(&self, _: &Live) -> bool {
        false
    }

    fn both_identities(&self) -> &'static str {
        if self.is_under_hub() {
            "SystemAssigned,UserAssigned"
        } else {
            "SystemAssigned, UserAssigned"
        }
    }

    fn kept_after_deletion(&self) -> &'static str {
        if self.is_under_hub() {
            "Azure may keep the project for 14 days"
        } else {
            "Azure is not known to keep anything of it"
        }
    }

    fn compute(&self, live: &Live) -> Option<ComputeEncryption> {
        self.is_under_hub().then(|| compute::encryption(live))
    }
}

#[cfg(test)]
mod cel_agrees;
#[cfg(test)]
mod tests;
