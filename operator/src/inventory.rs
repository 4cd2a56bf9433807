//! What one identity has read of Azure, shared by all objects that act through it.
//!
//! Invariant: reads at rest do not grow with the number of objects. One list feeds every resource of a type in a subscription, one
//! list of generic resources feeds every managed group; each is read once however many ask at the same time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyholder_azure::{ArmClient, ArmError, ListReading, Reader, wire};
use keyholder_planner::ArmId;
use keyholder_planner::observed::{GroupResource, Live, Stored};
use moka::future::Cache;
use serde_json::Value;

use crate::observe::convert;

pub mod lists;
mod overtaken;

use lists::Lists;

/// Subscriptions that one identity may look at, at the most.
const MOST_SUBSCRIPTIONS: u64 = 256;
/// All resources of a subscription whose group Microsoft manages for a hub, by lower-case group name; shared as hubs are.
pub type Groups = HashMap<Arc<str>, Vec<Arc<GroupResource>>>;

/// The shared reads of one identity.
#[derive(Debug)]
pub struct Inventory {
    /// The client.
    pub arm: Arc<ArmClient>,
    /// The same client for lists that nobody waits for.
    sweeper: ArmClient,
    /// Single reads, cached for as long as the asker says.
    pub reader: Reader,
    /// Resources that objects stand for.
    pub resources: Lists<Live>,
    /// What resources around them are encrypted with.
    pub at_rest: Lists<Stored>,
    groups: Cache<String, Arc<Groups>>,
}

impl Inventory {
    /// Nothing read so far.
    #[must_use]
    pub fn new(arm: Arc<ArmClient>) -> Self {
        Self {
            reader: Reader::new(Arc::clone(&arm)),
            sweeper: arm.for_sweeps(),
            resources: Lists::new(Arc::clone(&arm)),
            at_rest: Lists::new(Arc::clone(&arm)),
            groups: Cache::new(MOST_SUBSCRIPTIONS),
            arm,
        }
    }

    /// The managed groups of a subscription as last listed; listed now if they never were.
    ///
    /// # Errors
    /// Azure's, shared by all who asked.
    pub async fn groups(&self, subscription: &str) -> Result<Arc<Groups>, Arc<ArmError>> {
        self.groups
            .try_get_with(
                subscription.to_lowercase(),
                list_groups(&self.arm, subscription, None),
            )
            .await
    }

    /// Lists the managed groups anew.
    ///
    /// # Errors
    /// Azure's; what was read before stays.
    pub async fn refresh_groups(&self, subscription: &str) -> Result<Arc<Groups>, ArmError> {
        let before = self.known_groups(subscription).await;
        let listed = list_groups(&self.sweeper, subscription, before.as_deref()).await?;
        self.groups
            .insert(subscription.to_lowercase(), Arc::clone(&listed))
            .await;
        Ok(listed)
    }

    /// Role assignments that reach a key and are those of a principal or of its groups, read no longer than `age` ago.
    ///
    /// # Errors
    /// Azure's.
    pub async fn assignments(
        &self,
        key: &str,
        principal: &str,
        age: Duration,
    ) -> Result<Arc<ListReading>, Arc<ArmError>> {
        let (path, filter) = assignments_of(key, principal);
        self.reader
            .read_list(
                &path,
                wire::ROLE_ASSIGNMENTS_VERSION,
                &[("$filter", &filter)],
                age,
            )
            .await
    }

    /// The same, read now for the sweep.
    ///
    /// # Errors
    /// Azure's; what was read before stays.
    pub async fn refresh_assignments(
        &self,
        key: &str,
        principal: &str,
    ) -> Result<Arc<ListReading>, Arc<ArmError>> {
        let (path, filter) = assignments_of(key, principal);
        self.reader
            .sweep_list(&path, wire::ROLE_ASSIGNMENTS_VERSION, &[("$filter", &filter)])
            .await
    }

    /// What the last list said of the managed groups, if there was one.
    pub async fn known_groups(&self, subscription: &str) -> Option<Arc<Groups>> {
        self.groups.get(&subscription.to_lowercase()).await
    }
}

async fn list_groups(
    arm: &ArmClient,
    subscription: &str,
    before: Option<&Groups>,
) -> Result<Arc<Groups>, ArmError> {
    let path = format!("/subscriptions/{subscription}/resources");
    let query = [("$expand", "createdTime,changedTime,provisioningState")];
    let mut groups = Groups::new();
    arm.list_with(&path, wire::RESOURCES_VERSION, &query, |item| {
        let group = id_of(&item)?.resource_group().to_lowercase();
        let resource = convert::group_resource(&item)?;
        let known = before.and_then(|before| before.get_key_value(group.as_str()));
        let same = known.and_then(|(_, resources)| resources.iter().find(|one| ***one == resource));
        let resource = same.map_or_else(|| Arc::new(resource), Arc::clone);
        let group = known.map_or_else(|| Arc::from(group), |(group, _)| Arc::clone(group));
        groups.entry(group).or_default().push(resource);
        None::<()>
    })
    .await?;
    Ok(Arc::new(groups))
}

/// The id of an item of a list.
fn id_of(item: &Value) -> Option<ArmId> {
    ArmId::parse(item.get("id")?.as_str()?).ok()
}

/// Where role assignments at a key are listed, and the filter for those of a principal.
fn assignments_of(key: &str, principal: &str) -> (String, String) {
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments",
        key.to_lowercase()
    );
    (path, format!("atScope() and assignedTo('{principal}')"))
}

/// How old a shared reading may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// As the last sweep left it: enough to see that nothing is to be done.
    Swept,
    /// The object's own resource is read now, what it rests on may be as old as a sweep: enough to go on.
    Recent(Duration),
    /// Everything is read now: needed before anything is said for the worse.
    Now,
}
