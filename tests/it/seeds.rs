//! Random faults by seed: whatever goes wrong between two registries, nothing false is left behind,
//! and the same commands without faults get there.
//!
//! `BUNDLE_SEEDS=1000` runs so many, `BUNDLE_SEED=17` that one alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fault_scene::{nothing_false, put_in};
use crate::scene::{INDEX, MANIFEST, Scene, body_bytes, put_image};
use crate::seed_schedule::Schedule;
use crate::support::registry::{Auth, Builder, Limit, Registry, Tokens};
use crate::support::run::{Output, Run};

const SEEDS: u64 = 50;
const AT_ONCE: usize = 6;
/// Worth a line, where output is shown.
const SLOW: Duration = Duration::from_secs(20);
const PASSWORD: &str = "canary-password";
const IMAGES: [&str; 3] = ["org/one:1", "org/two:1", "org/list:1"];

#[test]
fn whatever_goes_wrong_nothing_false_is_left_and_the_next_run_gets_there() {
    let number = |name: &str| std::env::var(name).ok().map(|v| v.parse::<u64>().expect("a number"));
    let seeds = match number("BUNDLE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("BUNDLE_SEEDS").unwrap_or(SEEDS),
    };
    let seeds = Mutex::new(seeds);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        // They wait more than they work.
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(seed) = { seeds.lock().expect("seeds").next() } {
                    if catch_unwind(|| try_seed(seed)).is_err() {
                        failed.lock().expect("failures").push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("failures");
    assert!(failed.is_empty(), "broken by these seeds (BUNDLE_SEED=… runs one of them): {failed:?}");
}

fn try_seed(seed: u64) {
    let mut schedule = Schedule::new(seed);
    let tokens = schedule.rng.bool().then(|| Tokens::new("user", PASSWORD).expires_in(Duration::from_secs(2)));
    let source = builder(&mut schedule, tokens.as_ref()).start();
    let target = builder(&mut schedule, tokens.as_ref()).start();
    let scene = Scene::between(source, target);
    let digests = fill(&scene.source);
    let started = Instant::now();
    let story = catch_unwind(AssertUnwindSafe(|| play(&mut schedule, &scene, &digests)));
    if let Err(cause) = story {
        eprintln!("seed {seed}: {}", schedule.said.join("; "));
        std::panic::resume_unwind(cause);
    }
    if started.elapsed() > SLOW {
        eprintln!("seed {seed} took {:?}: {}", started.elapsed(), schedule.said.join("; "));
    }
}

/// Export and import with faults, and both again without.
fn play(schedule: &mut Schedule, scene: &Scene, digests: &[(String, String, String)]) {
    let old = schedule.rng.bool();
    if old {
        std::fs::write(scene.bundle(), "the old bundle").expect("a file");
    }
    let count = schedule.rng.usize(1..=5);
    let for_source = schedule.rng.usize(0..=count);
    for _ in 0..for_source {
        schedule.harm_source(&scene.source);
    }
    let out = checked(options(scene.export(&IMAGES)).args(["--force"]).run(), &schedule.exits());
    if out.code != Some(0) {
        let now = std::fs::read(scene.bundle()).ok();
        assert_eq!(now, old.then(|| b"the old bundle".to_vec()), "the final path is as it was");
        scene.source.clear_faults();
        // No run ends worse because something was kept: this befalls only one that goes on from it.
        schedule.refuse_ranges(&scene.source);
        checked(options(scene.export(&IMAGES)).args(["--force"]).run(), &[0]);
    }
    scene.verify().run().succeeds();

    scene.source.clear_faults();
    schedule.begin_anew();
    scene.target.clear_requests();
    schedule.alone = count - for_source == 1;
    for _ in for_source..count {
        schedule.harm_target(&scene.target);
    }
    schedule.restart(&scene.target);
    let out = checked(options(scene.import()).run(), &schedule.exits());
    nothing_false(&scene.target);
    scene.target.clear_faults();
    let arrived = out.code == Some(0);
    if arrived {
        all_there(&scene.target, digests);
    }
    scene.target.clear_requests();
    checked(options(scene.import()).run(), &[0]);
    all_there(&scene.target, digests);
    nothing_false(&scene.target);
    if arrived {
        assert_eq!(body_bytes(&scene.target), 0, "what was there is not sent again");
    }
}

/// What holds of every run, however it ends.
fn checked(out: Output, codes: &[i32]) -> Output {
    assert!(out.code.is_some_and(|code| codes.contains(&code)), "{codes:?}: {out:?}");
    assert!(!out.all().contains("panicked"), "{}", out.all());
    assert!(!out.all().contains("canary"), "a secret is shown: {}", out.all());
    assert!(out.code == Some(0) || out.stderr.contains("bundle: "), "a failure is explained: {out:?}");
    out
}

fn options(run: Run) -> Run {
    let run = run.args(["-vv", "--idle-timeout", "1", "--retries", "3", "--username", "user"]);
    // Each command speaks to one registry.
    run.env("BUNDLE_PASSWORD", PASSWORD)
}

/// Every image by tag and by digest, with all of its content.
fn all_there(target: &Registry, digests: &[(String, String, String)]) {
    for (repo, tag, digest) in digests {
        let repo = format!("library/{repo}");
        assert_eq!(target.digest(&repo, tag).as_ref(), Some(digest), "{repo}:{tag}");
        assert_eq!(target.missing(&repo, digest), Vec::<String>::new(), "{repo}@{digest}");
    }
}

fn builder(schedule: &mut Schedule, tokens: Option<&Tokens>) -> Builder {
    let mut builder = Registry::builder();
    if let Some(tokens) = tokens {
        builder = builder.auth(Auth::bearer(tokens));
    }
    for (name, change) in [
        ("no referrers", (|b| b.referrers(false)) as fn(Builder) -> Builder),
        ("sessions end with their connection", Builder::drop_sessions_on_cut),
        ("relative locations", Builder::relative_locations),
    ] {
        if schedule.rng.u8(..4) == 0 {
            schedule.said.push(name.into());
            builder = change(builder);
        }
    }
    let (most, lag) = (schedule.rng.usize(2..7), Duration::from_millis(schedule.rng.u64(1..700)));
    let kind = schedule.rng.u8(..12);
    schedule.limited |= kind < 3;
    match kind {
        0 => builder = builder.limit(Limit::Requests(most)),
        1 => builder = builder.limit(Limit::ConnectionsOr503(most)),
        2 => builder = builder.limit(Limit::ConnectionsOrReset(most)),
        3 | 4 => builder = builder.shows_after(lag),
        _ => {}
    }
    // One that takes what it should not, and tells; or one that refuses it.
    if schedule.strict { builder } else { builder.accepting() }
}

/// Three images: two that share layers, an index with a signature about it. Repository, tag, digest.
fn fill(registry: &Registry) -> Vec<(String, String, String)> {
    put_in(registry, "org/one", 1, &[400_000, 70_000, 1_000]);
    put_in(registry, "org/two", 1, &[400_000, 70_000, 5_000_000]);
    let children: Vec<_> = (0..3)
        .map(|n| {
            let repo = "org/list";
            let layer = crate::scene::put_made_layer(registry, repo, 50 + n, 30_000);
            let digest = put_image(registry, repo, &format!("c{n}"), &[layer]);
            let (_, bytes) = registry.manifest(repo, &digest).expect("a child");
            json!({"mediaType": MANIFEST, "digest": digest, "size": bytes.len()})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
    registry.put_manifest("org/list", Some("1"), INDEX, index.to_string());
    let digest = |name: &str| {
        let (repo, tag) = name.rsplit_once(':').expect("a tag");
        (repo.to_owned(), tag.to_owned(), registry.digest(repo, tag).expect("a digest"))
    };
    IMAGES.map(digest).to_vec()
}
