//! `weir token`: voters' identities in, voter tokens out, one a line.
//!
//! It streams: a million identities take no more memory than one. Never here: an identity in a
//! message or a log.

use std::io::{self, BufRead, BufWriter, Read as _, Write};

use ballot::{Campaign, PseudonymKey, Token, TokenKeys};
use journal::{Clock as _, SystemClock};

use crate::args::TokenArgs;
use crate::config::{Directory, Keys, Setup, keys_file, moved, read_campaign};
use crate::exit::Failure;

/// The longest identity in bytes. An openid has 28 characters, an e-mail address at most 254.
const ID_BYTES_MAX: u64 = 1_024;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(crate) fn run(args: &TokenArgs) -> Result<(), Failure> {
    let mint = Mint::new(args)?;
    let mut output = BufWriter::new(io::stdout().lock());
    let minted = if args.ids.is_empty() {
        mint.all_lines(&mut io::stdin().lock(), &mut output)
    } else {
        args.ids.iter().zip(1..).try_for_each(|(id, number)| {
            mint.one(id.as_bytes(), &format!("identity {number}"), &mut output)
        })
    };
    let minted = minted.and_then(|()| Ok(output.flush()?));
    match minted {
        Ok(()) => Ok(()),
        Err(Stopped::Wrong(failure)) => {
            // Those before the mistake are good; the mistake is what has to be told.
            drop(output.flush());
            Err(failure)
        }
        // Whoever reads has had enough, as in `weir token | head`.
        Err(Stopped::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stopped::Io(error)) => {
            Err(Failure::internal(format!("cannot read identities or write tokens: {error}")))
        }
    }
}

enum Stopped {
    Wrong(Failure),
    Io(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Makes the tokens of one campaign.
struct Mint {
    pseudonym_key: PseudonymKey,
    token_keys: TokenKeys,
    follower: bool,
    expires_at_s: u64,
}

impl Mint {
    fn new(args: &TokenArgs) -> Result<Self, Failure> {
        let campaign = read_campaign(args.campaign.as_deref())?;
        let directory = Directory::new(&args.data.dir, &campaign.id);
        let campaign = moved(campaign, Setup::read(&directory)?.as_ref())?;
        let given = args.keys.as_deref().map(|given| keys_file(given, &campaign.id));
        let keys_file = given.unwrap_or_else(|| directory.keys_file());
        let fix = "start `weir up` once, which makes the keys, or say where they are with --keys \
                   or --data";
        let keys = Keys::existing(&keys_file, fix)?;
        Ok(Self {
            pseudonym_key: keys.pseudonym_key(),
            token_keys: keys.token_keys(&campaign.id)?,
            follower: !args.not_follower,
            expires_at_s: expires_at_s(&campaign, args.expires_in)?,
        })
    }

    fn all_lines(&self, input: &mut impl BufRead, output: &mut impl Write) -> Result<(), Stopped> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            // One byte more than the longest line, so that a longer one shows.
            if input.by_ref().take(ID_BYTES_MAX + 3).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let id = line.strip_suffix(b"\n").unwrap_or(&line);
            let id = id.strip_suffix(b"\r").unwrap_or(id);
            self.one(id, &format_args!("line {number}"), output)?;
        }
        Ok(())
    }

    fn one(
        &self,
        id: &[u8],
        place: &dyn std::fmt::Display,
        output: &mut impl Write,
    ) -> Result<(), Stopped> {
        let wrong = |problem: &str| Stopped::Wrong(Failure::configuration(problem));
        if id.trim_ascii().is_empty() {
            return Err(wrong(&format!("{place}: the identity is empty; give one that is not")));
        }
        if has_space_around(id) {
            return Err(wrong(&format!(
                "{place}: white space is before or behind the identity, which would make it \
                 another voter's; remove it"
            )));
        }
        if id.len() as u64 > ID_BYTES_MAX {
            let max = format!("{place}: the identity is longer than {ID_BYTES_MAX} bytes");
            return Err(wrong(&format!("{max}; give one identity a line")));
        }
        let token = Token {
            voter: self.pseudonym_key.voter(id),
            follower: self.follower,
            fresh: false,
            expires_at_s: self.expires_at_s,
        };
        writeln!(output, "{}", self.token_keys.mint(&token))?;
        Ok(())
    }
}

/// Whether a text begins or ends with what nobody sees: a blank, the wide one of Chinese, a byte
/// order mark. What is no text is taken as ASCII.
fn has_space_around(id: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(id) else { return id.trim_ascii() != id };
    let is_unseen = |at: char| at.is_whitespace() || at == '\u{FEFF}';
    text.starts_with(is_unseen) || text.ends_with(is_unseen)
}

/// When tokens expire: so many days from now, or one day after the campaign's end.
fn expires_at_s(campaign: &Campaign, days: Option<u32>) -> Result<u64, Failure> {
    let now_ms = SystemClock.now_ms();
    let expires_at_ms = match days {
        Some(days) => now_ms.saturating_add(i64::from(days) * DAY_MS),
        None => campaign.closes_at_ms.saturating_add(DAY_MS),
    };
    if expires_at_ms <= now_ms {
        return Err(Failure::configuration(format!(
            "{} ended more than a day ago, so its tokens would be of no use; give --expires-in",
            campaign.id
        )));
    }
    Ok(u64::try_from(expires_at_ms.div_euclid(1_000)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint() -> Mint {
        Mint {
            pseudonym_key: PseudonymKey::new(&[1; 32]),
            token_keys: TokenKeys::new("c", &[(1, [2; 32])]).unwrap(),
            follower: true,
            expires_at_s: 1_000,
        }
    }

    fn minted(mut input: &[u8]) -> (Vec<String>, Option<String>) {
        let mut output = Vec::new();
        let problem = match mint().all_lines(&mut input, &mut output) {
            Ok(()) => None,
            Err(Stopped::Wrong(failure)) => Some(failure.sentence),
            Err(Stopped::Io(error)) => panic!("{error}"),
        };
        let lines = String::from_utf8(output).unwrap();
        (lines.lines().map(str::to_owned).collect(), problem)
    }

    #[test]
    fn a_line_is_an_identity_whatever_ends_it() {
        let (tokens, problem) = minted(b"alice\nbob\r\nalice");
        assert_eq!((tokens.len(), problem), (3, None));
        assert_eq!(tokens[0], tokens[2]);
        let bob = mint().token_keys.check(tokens[1].as_bytes(), 0).unwrap();
        assert_eq!(bob.voter, PseudonymKey::new(&[1; 32]).voter(b"bob"));
        assert!(bob.follower);
    }

    #[test]
    fn an_identity_with_white_space_around_is_refused_by_its_line_and_its_fix() {
        for id in ["bob ", "bob\t", " bob", "\u{3000}bob", "bob\u{A0}", "\u{FEFF}bob", "bob\r\r"] {
            let (tokens, problem) = minted(format!("alice\n{id}\ncem\n").as_bytes());
            let problem = problem.unwrap();
            assert_eq!(tokens.len(), 1, "{id:?}");
            assert!(problem.starts_with("line 2: white space is"), "{id:?}: {problem}");
            assert!(problem.ends_with("remove it") && !problem.contains("bob"), "{problem}");
        }
        let (tokens, problem) = minted(b"b o b\nbob\xFF\n\xFFbob \n");
        assert_eq!(tokens.len(), 2);
        assert!(problem.unwrap().starts_with("line 3: "));
    }

    #[test]
    fn an_empty_or_endless_line_is_refused_by_its_number() {
        let (tokens, problem) = minted(b"alice\n \nbob\n");
        assert_eq!(tokens.len(), 1);
        assert!(problem.unwrap().starts_with("line 2: the identity is empty"));
        let longest = usize::try_from(ID_BYTES_MAX).unwrap();
        assert_eq!(minted(&vec![b'x'; longest]).1, None);
        let (_, problem) = minted(&vec![b'x'; 2 * longest]);
        assert!(problem.unwrap().starts_with("line 1: the identity is longer"));
    }
}
