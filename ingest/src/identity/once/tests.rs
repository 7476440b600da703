//! One exchange for each sign-in, whatever comes back and however often.

use std::sync::atomic::AtomicUsize;

use ballot::VoterId;
use tokio::sync::Notify;

use super::*;

/// A sign-in, by a number, that came back with this code.
fn back(number: u8, code: &str) -> Back {
    Back::new(&Login::new("c", [number; 16], 0), code)
}

fn signed() -> Verdict {
    let voter = VoterId { high: 1, low: 2 };
    let token = Token { voter, follower: true, fresh: false, expires_at_s: 3 };
    Verdict::Signed(token, SignInOutcome::Ok)
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_worked_on_once_however_often_it_is_opened_and_whoever_goes_away() {
    let callbacks = Arc::new(Callbacks::default());
    let (begun, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let open = |now_ms| {
        let (callbacks, begun, go) = (callbacks.clone(), begun.clone(), go.clone());
        tokio::spawn(async move {
            let find = async move {
                begun.fetch_add(1, Ordering::SeqCst);
                go.notified().await;
                signed()
            };
            callbacks.once(back(1, "code"), now_ms, || Some(find)).await
        })
    };
    let gone = open(0);
    tokio::task::yield_now().await;
    gone.abort();
    let others = [open(0), open(1), open(REMEMBERED_MS - 1)];
    tokio::task::yield_now().await;
    go.notify_one();
    for other in others {
        assert_eq!(other.await.unwrap(), Ok(signed()));
    }
    // Its code has long been spent then: nothing is asked any more.
    assert_eq!(open(REMEMBERED_MS).await.unwrap(), Err(SignInOutcome::Expired));
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_exchanges_the_first_code_that_it_comes_with_and_no_other() {
    let callbacks = Callbacks::default();
    let never = || -> Option<std::future::Ready<Verdict>> { panic!("it is exchanged") };
    let ready = || Some(std::future::ready(signed()));
    assert_eq!(callbacks.once(back(1, "first"), 0, ready).await, Ok(signed()));
    for now_ms in [0, REMEMBERED_MS, 599_999] {
        let other = callbacks.once(back(1, "second"), now_ms, never).await;
        assert_eq!(other, Err(SignInOutcome::Expired), "{now_ms}");
    }
    assert_eq!(callbacks.once(back(1, "first"), 1, never).await, Ok(signed()), "as before");
    // Another sign-in is another matter, and so is what has begun again by itself.
    assert_eq!(callbacks.once(back(2, "second"), 0, ready).await, Ok(signed()));
    let again = Login::new("c", [1; 16], 0).begun_again().unwrap();
    assert_eq!(callbacks.once(Back::new(&again, "second"), 0, ready).await, Ok(signed()));
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_was_turned_away_has_not_had_its_code() {
    let callbacks = Callbacks::default();
    let no = || None::<std::future::Ready<Verdict>>;
    assert_eq!(callbacks.once(back(1, "first"), 0, no).await, Err(SignInOutcome::Busy));
    assert_eq!(callbacks.permits.available_permits(), AT_ONCE_MAX);
    let ready = || Some(std::future::ready(signed()));
    assert_eq!(callbacks.once(back(1, "second"), 0, ready).await, Ok(signed()));
}

#[tokio::test(start_paused = true)]
async fn only_sign_ins_that_still_hold_are_kept() {
    let callbacks = Callbacks::default();
    for number in 0..100 {
        let later = Back { until_ms: 600_000 + i64::from(number), ..back(number, "code") };
        callbacks.once(later, 0, || Some(std::future::ready(signed()))).await.unwrap();
    }
    for number in 100..200 {
        let later = Back { until_ms: 1_200_000, ..back(number, "code") };
        let ready = || Some(std::future::ready(signed()));
        callbacks.once(later, 600_050, ready).await.unwrap();
    }
    assert_eq!(callbacks.known.lock().unwrap().len(), 149, "51 were over");
}

#[tokio::test(start_paused = true)]
async fn when_very_many_wait_the_next_is_told_at_once_and_none_waits_for_ever() {
    let callbacks = Arc::new(Callbacks::default());
    let key = |number: usize| Back { login: hash(&number.to_be_bytes()), ..back(0, "code") };
    let waiting: Vec<_> = (0..AT_ONCE_MAX)
        .map(|number| callbacks.begin(key(number), 0, || Some(std::future::pending())).unwrap())
        .collect();
    let ready = || Some(std::future::ready(signed()));
    let next = callbacks.once(key(AT_ONCE_MAX), 0, ready).await;
    assert_eq!(next, Err(SignInOutcome::Busy));
    let again = callbacks.once(key(0), 0, ready).await;
    assert_eq!(again, Ok(Verdict::Told(SignInOutcome::Busy)), "that of the first");
    drop(waiting);
    while callbacks.permits.available_permits() < AT_ONCE_MAX {
        tokio::task::yield_now().await;
    }
    assert_eq!(callbacks.once(key(AT_ONCE_MAX), 0, ready).await, Ok(signed()));
}

#[test]
fn the_same_trouble_is_told_once_a_minute() {
    let alarm = Alarm::default();
    let told: Vec<_> =
        [0, 1, 59_999, 60_000, 60_001, 50_000].map(|now_ms| alarm.is_due(now_ms)).into();
    assert_eq!(told, [true, false, false, true, false, true]);
}
