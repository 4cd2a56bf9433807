//! Kinds of trouble, as the simulator makes them.

use serde_json::{Value, json};

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Status(u16),
    Delay,
    DropBefore,
    DropAfter,
    Truncate,
    WrongType,
    EndlessList,
    IgnoreWrite,
    FailOperation,
    Lag,
}

/// What can happen to every request.
pub const OF_ALL: [Trouble; 9] = [
    Trouble::Status(429),
    Trouble::Status(500),
    Trouble::Status(503),
    Trouble::Status(409),
    Trouble::Delay,
    Trouble::DropBefore,
    Trouble::DropAfter,
    Trouble::Truncate,
    Trouble::WrongType,
];
/// What can happen to writes alone.
pub const OF_WRITES: [Trouble; 3] = [Trouble::IgnoreWrite, Trouble::FailOperation, Trouble::Lag];

/// What Azure says of an operation that fails here.
pub const CAUSE: &str = "high demand in this region";

impl Trouble {
    pub fn action(self) -> Value {
        match self {
            Self::Status(status) => {
                let code = if status == 429 {
                    "TooManyRequests"
                } else {
                    "Trouble"
                };
                json!({ "status": { "status": status, "code": code, "message": CAUSE } })
            }
            Self::Delay => json!({ "delayMs": 3000 }),
            Self::DropBefore => json!("dropBefore"),
            Self::DropAfter => json!("dropAfter"),
            Self::Truncate => json!("truncate"),
            Self::WrongType => json!("wrongType"),
            Self::EndlessList => json!("endlessList"),
            Self::IgnoreWrite => json!("ignoreWrite"),
            Self::FailOperation => {
                json!({ "failOperation": { "code": "ServiceUnavailable", "message": CAUSE } })
            }
            Self::Lag => json!({ "lagSeconds": 3.0 }),
        }
    }

    /// Whether a write that met this changed nothing in the end.
    pub fn undoes_writes(self) -> bool {
        matches!(
            self,
            Self::Status(_) | Self::DropBefore | Self::IgnoreWrite | Self::FailOperation
        )
    }
}
