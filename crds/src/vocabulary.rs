//! Names that others rely on: finalizer, annotations, tags, field managers.

/// Finalizer on every object: the object goes when Azure has what its deletion policy says.
pub const FINALIZER: &str = "keyholder.dev/azure";
/// Field manager of the status.
pub const STATUS_MANAGER: &str = "keyholder-status";
/// Field manager of the Ready condition of an object that does not decode.
pub const UNDECODABLE_MANAGER: &str = "keyholder-undecodable";
/// Field manager of the finalizer.
pub const FINALIZER_MANAGER: &str = "keyholder-finalizer";
/// Reporting controller of events.
pub const EVENT_REPORTER: &str = "keyholder.dev/operator";
/// Tag on every Azure resource that is Keyholder's: `<owner id>/<namespace>/<name>`.
pub const OWNER_TAG: &str = "keyholder-owner";
/// Tag on every resource that an object encrypts without owning it: `<owner id>/<namespace>/<name>/<kind>`. It names the kind, since
/// objects of two kinds with one name may work with one resource.
pub const ENCRYPTION_TAG: &str = "keyholder-encryption";
/// Annotation on an identity's ServiceAccount: the namespaces whose objects may use it, separated by commas, or `*`.
pub const NAMESPACES_ANNOTATION: &str = "keyholder.dev/namespaces";
/// Annotation of Azure Workload Identity on a ServiceAccount: the application's client id.
pub const CLIENT_ID_ANNOTATION: &str = "azure.workload.identity/client-id";
/// Annotation of Azure Workload Identity on a ServiceAccount: the tenant.
pub const TENANT_ID_ANNOTATION: &str = "azure.workload.identity/tenant-id";
/// Audience of the tokens that are exchanged for Entra's.
pub const TOKEN_AUDIENCE: &str = "api://AzureADTokenExchange";
