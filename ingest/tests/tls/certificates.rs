//! The certificate in force: replaced while connections are open, and never by what is unfit.

use ingest::server::{CertificateError, Tls};

use super::secured::{Client, Http, Pair, Secured, limits, seen};

#[tokio::test]
async fn a_new_certificate_is_for_new_connections_and_old_ones_go_on() {
    let (old, new) = (Pair::new(), Pair::new());
    let server = Secured::start(&old, limits()).await;
    let client = Client::usual(&[&old, &new]);
    let stream = client.connect(server.address).await.unwrap();
    assert_eq!(seen(&stream), old.der());
    let mut before = Http::over(stream).await;
    assert_eq!(before.get("/").await.0, 200);
    // Connected, but it has not said anything: it is met with what is in force then.
    let late = tokio::net::TcpStream::connect(server.address).await.unwrap();
    super::kit::eventually(|| server.counts().active == 2).await;

    server.certificate.replace(new.chain.as_bytes(), new.key.as_bytes()).unwrap();
    assert_eq!(before.get("/").await.0, 200);
    let unacquainted = Client::usual(&[&new]);
    let after = unacquainted.shake(late).await.unwrap();
    assert_eq!(seen(&after), new.der());
    // Whoever resumes a session is shown no certificate, and goes on.
    let resumed = client.connect(server.address).await.unwrap();
    assert_eq!(Http::over(resumed).await.get("/").await.0, 200);
    let fresh = unacquainted.connect(server.address).await.unwrap();
    assert_eq!(seen(&fresh), new.der());
    assert_eq!(Http::over(fresh).await.get("/").await.0, 200);
    assert_eq!(before.get("/").await.0, 200);
}

#[tokio::test]
async fn an_unfit_pair_is_refused_with_its_reason_and_the_old_one_stays() {
    let (old, other) = (Pair::new(), Pair::new());
    let server = Secured::start(&old, limits()).await;
    let no_certificate = "the certificate's file is no PEM with a certificate in it";
    let no_key = "the key's file is no PEM with a private key in it";
    let unfit = "certificate and key cannot be used";
    let half = &other.chain[..other.chain.len() / 2];
    let locked = other.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let hollow_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let leaf_last = format!("{}{}", other.chain, old.chain);
    for (chain, key, sentence) in [
        ("", "", no_certificate),
        ("nonsense", &*other.key, no_certificate),
        (&*other.key, &*other.key, no_certificate),
        (half, &*other.key, no_certificate),
        (&*other.chain, "", no_key),
        (&*other.chain, "nonsense", no_key),
        (&*other.chain, &*other.chain, no_key),
        (&*other.chain, &*locked, no_key),
        (&*other.chain, &other.key[..80], no_key),
        (&*other.chain, hollow_key, unfit),
        (hollow, &*other.key, unfit),
        (&*other.chain, &*old.key, unfit),
        (&*leaf_last, &*old.key, unfit),
    ] {
        let refused = server.certificate.replace(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(refused.to_string().starts_with(sentence), "{refused}, not {sentence}");
        let at_first = Tls::new(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!(at_first.to_string(), refused.to_string());
        says_nothing_of(&[&other.key, &old.key], &[&format!("{refused} {refused:?}")]);
    }
    let stream = Client::usual(&[&old]).connect(server.address).await.unwrap();
    assert_eq!(seen(&stream), old.der());
    // What stands around them in the files does no harm.
    let chain = format!("subject=x\n{}\n{}{}", other.chain, old.chain, other.key);
    let key =
        format!("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n{}", other.key);
    server.certificate.replace(chain.as_bytes(), key.as_bytes()).unwrap();
    let stream = Client::usual(&[&other]).connect(server.address).await.unwrap();
    assert_eq!(seen(&stream), other.der());
}

#[test]
fn nothing_that_is_shown_has_anything_of_the_key() {
    let (pair, other) = (Pair::new(), Pair::new());
    let (tls, certificate) = Tls::new(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
    let unfit = Tls::new(pair.chain.as_bytes(), other.key.as_bytes()).unwrap_err();
    assert!(matches!(unfit, CertificateError::Unfit(_)));
    let swapped = Tls::new(pair.key.as_bytes(), pair.key.as_bytes()).unwrap_err();
    let shown = [
        format!("{tls:?} {tls:#?}"),
        format!("{certificate:?} {certificate:#?}"),
        format!("{unfit} {unfit:?} {unfit:#?}"),
        format!("{swapped} {swapped:?} {swapped:#?}"),
    ];
    let shown: Vec<_> = shown.iter().map(String::as_str).collect();
    says_nothing_of(&[&pair.key, &other.key], &shown);
}

/// Neither as it is in the file, nor as the bytes in it, in decimal or hexadecimal.
fn says_nothing_of(keys: &[&str], shown: &[&str]) {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject as _;
    for key in keys {
        let lines = key.lines().filter(|line| !line.starts_with("-----"));
        let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        // The secret of a P-256 key lies here, in PKCS#8 (RFC 5958 and 5915).
        let secret = &der.secret_der()[36..68];
        let hex: String = secret[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal = format!("{:?}", &secret[..4]);
        let told: Vec<_> = lines
            .map(str::to_owned)
            .chain([hex, decimal.trim_matches(['[', ']']).to_owned()])
            .collect();
        for shown in shown {
            let flat = shown.replace(['\n'], " ");
            let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
            for part in &told {
                assert!(!flat.contains(part.as_str()), "{part} is in {shown}");
            }
        }
    }
}
