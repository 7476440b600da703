//! The tree head, by the vectors that transparency logs agree on.

use ballot::hex;

use crate::storm::rfc6962_head;

/// The leaves and heads of the reference implementation's tests (certificate-transparency,
/// `merkletree/merkle_tree_test.cc`): the head over the first n leaves, n from 1.
const VECTORS: [(&[u8], &str); 8] = [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (&[0], "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (&[0x10], "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (&[0x20, 0x21], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (&[0x30, 0x31], "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (b"@ABC", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (b"PQRSTUVW", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (b"`abcdefghijklmno", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

#[test]
fn the_head_of_each_size_is_that_of_the_reference() {
    let leaves: Vec<Vec<u8>> = VECTORS.iter().map(|(leaf, _)| leaf.to_vec()).collect();
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hex(&rfc6962_head(&[])), nothing);
    for (size, (_, head)) in (1..).zip(VECTORS) {
        assert_eq!(hex(&rfc6962_head(&leaves[..size])), head, "{size}");
    }
}
