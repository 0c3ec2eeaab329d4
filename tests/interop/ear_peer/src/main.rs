//! What an independent library makes of an attestation result: `ear_peer JWK TOKEN` verifies and says what is in it.
use ear::{Algorithm, Ear};
use serde_json::json;
use std::{env, fs, process};

fn main() {
    let files: Vec<String> = env::args().skip(1).collect();
    if files.len() != 2 {
        eprintln!("ear_peer JWK TOKEN");
        process::exit(2);
    }
    let key = fs::read(&files[0]).expect("read the key");
    let token = fs::read_to_string(&files[1]).expect("read the token");
    match Ear::from_jwt_jwk(token.trim(), Algorithm::ES256, &key) {
        Ok(ear) => println!("{}", said(&ear)),
        Err(error) => {
            println!("{}", json!({ "error": error.to_string() }));
            process::exit(1);
        }
    }
}

fn said(ear: &Ear) -> serde_json::Value {
    let submods: serde_json::Map<String, serde_json::Value> = ear
        .submods
        .iter()
        .map(|(name, part)| {
            (
                name.clone(),
                json!({
                    "status": part.status.as_str(),
                    "hardware": part.trust_vector.hardware.value(),
                    "executables": part.trust_vector.executables.value(),
                    "policies": part.policy_ids,
                    "attester_claims": part.attester_claims.keys().collect::<Vec<_>>(),
                    "verifier_claims": part.verifier_claims.keys().collect::<Vec<_>>(),
                }),
            )
        })
        .collect();
    json!({
        "profile": ear.profile,
        "status": ear.status.map(|status| status.as_str().to_string()),
        "developer": ear.vid.developer,
        "expires": ear.exp,
        "nonce": serde_json::to_value(&ear.nonce).expect("a nonce as JSON"),
        "submods": submods,
    })
}
