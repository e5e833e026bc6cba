//! A copy that dies in the middle (SIGKILL): nothing false is left behind, and the same command ends it well.

use crate::kill::{KILLS, assert_whole, is_write, kill_at_write};
use crate::scene::{Scene, borrowed, command, names};
use crate::support::registry::Registry;

#[test]
fn a_copy_killed_at_any_of_fifty_moments_leaves_nothing_false_and_ends_well_the_next_time() {
    let (scene, images) = Scene::seeded();
    let all = names(&images);
    scene.copy(&borrowed(&all)).run().succeeds();
    let writes = scene.target.count(is_write);
    assert!(writes >= KILLS, "{writes} moments");
    for kill in 0..KILLS {
        let nth = 1 + kill * writes / KILLS;
        let registry = Registry::builder().accepting().start();
        let copy =
            || command("copy").args(["--registry", &registry.host()]).args(all.iter().map(|name| scene.name(name)));
        kill_at_write(copy(), &registry, nth);
        assert_whole(&registry, &format!("killed at write {nth}"));
        copy().run().succeeds();
        assert_whole(&registry, &format!("copied after a kill at write {nth}"));
        let tags = registry.repositories().iter().map(|repository| registry.tags(repository).len()).sum::<usize>();
        assert_eq!(tags, images.len());
    }
}
