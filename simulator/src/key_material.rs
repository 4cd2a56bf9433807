//! The cryptographic part of keys: RSA pairs and curves, made when somebody first needs them, so that many keys can be
//! seeded at once.
//!
//! Invariant: a version has one pair for as long as this Azure runs, and only the public half of it is ever shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::agreement::{ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::text::at;

/// Where a pair is, once it is made; empty where none can be.
type Place = Arc<OnceLock<Option<Arc<Pair>>>>;

/// All pairs, by the lower-case ARM id of their version.
#[derive(Debug, Default)]
pub(crate) struct KeyMaterial {
    pairs: Mutex<HashMap<String, Place>>,
}

/// A pair.
#[derive(Debug)]
pub(crate) enum Pair {
    /// RSA, with modulus and exponent.
    Rsa {
        /// The private half.
        private: PrivateDecryptingKey,
        /// n
        modulus: Vec<u8>,
        /// e
        exponent: Vec<u8>,
    },
    /// A curve's point; nothing is signed here, so that its private half is not kept.
    Curve {
        /// `P-256`
        name: &'static str,
        /// x and y, one after the other.
        point: Vec<u8>,
    },
}

/// How a key is wrapped (JSON Web Algorithms, as Key Vault names them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// RSA-OAEP-256
    Oaep256,
    /// RSA-OAEP, with SHA-1
    Oaep,
    /// RSA1_5
    Pkcs1,
}

impl Wrapping {
    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "RSA-OAEP-256" => Some(Self::Oaep256),
            "RSA-OAEP" => Some(Self::Oaep),
            "RSA1_5" => Some(Self::Pkcs1),
            _ => None,
        }
    }

    fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Self::Oaep256 => Some(&OAEP_SHA256_MGF1SHA256),
            Self::Oaep => Some(&OAEP_SHA1_MGF1SHA1),
            Self::Pkcs1 => None,
        }
    }
}

impl KeyMaterial {
    /// The pair of a version, whose ARM body tells what it is. `None` for what cannot be made here.
    pub(crate) fn of(&self, version: &Value) -> Option<Arc<Pair>> {
        let id = at(version, "/id").unwrap_or_default().to_lowercase();
        let place = {
            let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(pairs.entry(id).or_default())
        };
        place
            .get_or_init(|| Pair::make(version.get("properties")?).map(Arc::new))
            .clone()
    }
}

impl Pair {
    fn make(properties: &Value) -> Option<Self> {
        let kty = at(properties, "/kty").unwrap_or_default().to_ascii_uppercase();
        if kty.starts_with("EC") {
            return Self::curve(at(properties, "/curveName").unwrap_or("P-256"));
        }
        let size = match properties.get("keySize").and_then(Value::as_i64) {
            Some(4096) => KeySize::Rsa4096,
            Some(3072) => KeySize::Rsa3072,
            _ => KeySize::Rsa2048,
        };
        let private = PrivateDecryptingKey::generate(size).ok()?;
        let document: Pkcs8V1Der<'_> = private.as_der().ok()?;
        let pair = KeyPair::from_pkcs8(document.as_ref()).ok()?;
        let (modulus, exponent) = integers(pair.public_key().as_ref())?;
        Some(Self::Rsa {
            private,
            modulus,
            exponent,
        })
    }

    fn curve(name: &str) -> Option<Self> {
        let (name, algorithm) = match name {
            "P-256" => ("P-256", &ECDH_P256),
            "P-384" => ("P-384", &ECDH_P384),
            "P-521" => ("P-521", &ECDH_P521),
            _ => return None,
        };
        let public = PrivateKey::generate(algorithm).ok()?.compute_public_key().ok()?;
        // SEC 1, 2.3.3: 4, then x, then y.
        let point = public.as_ref().strip_prefix(&[4])?.to_vec();
        Some(Self::Curve { name, point })
    }

    /// The members of a JSON Web Key that say its public half (RFC 7518, 6.2 and 6.3).
    pub(crate) fn public(&self) -> Value {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa {
                modulus, exponent, ..
            } => json!({ "n": text(modulus), "e": text(exponent) }),
            Self::Curve { name, point } => {
                let (x, y) = point
                    .split_at_checked(point.len() / 2)
                    .unwrap_or((point.as_slice(), &[]));
                json!({ "crv": name, "x": text(x), "y": text(y) })
            }
        }
    }

    /// Wraps; `None` if it is no RSA pair, or the text is too long for it.
    pub(crate) fn wrap(&self, wrapping: Wrapping, plain: &[u8]) -> Option<Vec<u8>> {
        let Self::Rsa { private, .. } = self else {
            return None;
        };
        let public = private.public_key();
        let mut room = vec![0; public.key_size_bytes()];
        let wrapped = match wrapping.oaep() {
            Some(algorithm) => OaepPublicEncryptingKey::new(public)
                .and_then(|key| Ok(key.encrypt(algorithm, plain, &mut room, None)?.to_vec())),
            None => Pkcs1PublicEncryptingKey::new(public)
                .and_then(|key| Ok(key.encrypt(plain, &mut room)?.to_vec())),
        };
        wrapped.ok()
    }

    /// Unwraps; `None` if it is no RSA pair, or the text was not wrapped with it.
    pub(crate) fn unwrap(&self, wrapping: Wrapping, wrapped: &[u8]) -> Option<Vec<u8>> {
        let Self::Rsa { private, .. } = self else {
            return None;
        };
        let mut room = vec![0; private.key_size_bytes()];
        let plain = match wrapping.oaep() {
            Some(algorithm) => OaepPrivateDecryptingKey::new(private.clone())
                .and_then(|key| Ok(key.decrypt(algorithm, wrapped, &mut room, None)?.to_vec())),
            None => Pkcs1PrivateDecryptingKey::new(private.clone())
                .and_then(|key| Ok(key.decrypt(wrapped, &mut room)?.to_vec())),
        };
        plain.ok()
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, A.1.1), without the zero that keeps them positive.
fn integers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (sequence, _) = element(0x30, der)?;
    let (modulus, rest) = element(0x02, sequence)?;
    let (exponent, _) = element(0x02, rest)?;
    let bare = |integer: &[u8]| integer.strip_prefix(&[0]).unwrap_or(integer).to_vec();
    Some((bare(modulus), bare(exponent)))
}

/// The content of a DER element, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    if first < 0x80 {
        return rest.split_at_checked(first.into());
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let length = digits.iter().try_fold(0_usize, |length, digit| {
        Some(length.checked_mul(256)? + usize::from(*digit))
    })?;
    rest.split_at_checked(length)
}
