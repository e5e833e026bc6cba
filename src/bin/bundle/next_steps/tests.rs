//! The whole catalogue is looked at: each step has words that fit, and no flag that is not there.

use std::collections::BTreeSet;

use super::super::command_line;
use super::*;
use oci_bundle::{BaseStep, SigningStep, VolumeStep};

/// What a message may take, in columns: two lines for what happened and one for the next step, or the
/// other way round.
const COLUMNS: usize = 100;

/// One of each.
fn every() -> Vec<NextStep> {
    let host = || "registry.example:5000".to_owned();
    vec![
        NextStep::AddMapping,
        NextStep::AddPartner { file: "/etc/docker/certs.d/registry.example:5000/client.key".into() },
        NextStep::AllowLongerFiles,
        NextStep::AllowMediaType,
        NextStep::AllowOverwriting,
        NextStep::AllowReplacing,
        NextStep::AllowSource,
        NextStep::AllowUrls,
        NextStep::BringAllPlatformsOrOne,
        NextStep::CheckAddressAndProxy,
        NextStep::CheckClock,
        NextStep::CheckCredentials,
        NextStep::CheckExternalUrl,
        NextStep::CheckExternalUrlAndProxy,
        NextStep::CheckGateway,
        NextStep::CheckHost,
        NextStep::CheckLine,
        NextStep::CheckName,
        NextStep::CheckPath,
        NextStep::CheckPermission,
        NextStep::CheckProxy,
        NextStep::CheckRealm,
        NextStep::CheckServerCertificate,
        NextStep::CheckServerName,
        NextStep::CheckStorageRedirect,
        NextStep::ChoosePlatform,
        NextStep::ChooseSinglePlatform,
        NextStep::CopyAgain,
        NextStep::CopyWithImgpkg,
        NextStep::CopyWithSkopeo,
        NextStep::CreateProject { host: host(), project: "library".into(), repository: "library/app".into() },
        NextStep::CreateRepository,
        NextStep::CurrentTlsOrClientCertificate,
        NextStep::CutPadding { bytes: 12_345_678_912 },
        NextStep::DeleteDamagedBlob,
        NextStep::DeleteDamagedCopies,
        NextStep::DeleteDamagedManifest,
        NextStep::DownloadAgain,
        NextStep::EnableTls,
        NextStep::ExportEachRepository,
        NextStep::ExportFromRegistry { name: "registry.example:5000/team/application:1.4".into() },
        NextStep::ExportWhole { name: "registry.example:5000/team/application:1.4".into() },
        NextStep::FindOtherWriter,
        NextStep::FormatDrive,
        NextStep::FreeRoom,
        NextStep::FreeRoomOrWriteElsewhere,
        NextStep::GetAccess,
        BaseStep::ExportWholeLayers.into(),
        BaseStep::GiveBase { images: vec!["quay.io/org/app:1".into()], more: true }.into(),
        BaseStep::NameBase.into(),
        BaseStep::WriteOneFile.into(),
        NextStep::GiveClientCertificate { host: host() },
        NextStep::GiveCredentials,
        NextStep::GiveKey,
        VolumeStep::GiveMissing { volumes: vec!["images-2of3.tar".into()] }.into(),
        VolumeStep::GiveAsFile.into(),
        VolumeStep::GiveScript.into(),
        NextStep::GiveMirrorTls,
        NextStep::GiveNodeLogin,
        NextStep::GiveFlagForEachFile,
        NextStep::GiveOneOfThem,
        NextStep::GivePassword { flag: "--password-stdin".into(), variable: "BUNDLE_PASSWORD".into() },
        NextStep::GoOn,
        NextStep::GoOnWith { path: "/media/usb/.images.tar.partial".into(), kept: Some("1.2 GiB of 4 GiB".into()) },
        NextStep::ImportApart,
        VolumeStep::ImportMissing { volumes: vec!["images-2of3.tar".into()] }.into(),
        VolumeStep::ImportTogether { volumes: vec!["images-2of3.tar".into(), "images-3of3.tar".into()] }.into(),
        NextStep::MapWholeHost,
        VolumeStep::MendScript.into(),
        VolumeStep::Larger { bytes: 1 << 20 }.into(),
        NextStep::InstallHelper,
        NextStep::LeaveOutReferrers,
        NextStep::LeaveOutScheme { host: host() },
        NextStep::ListenElsewhere,
        NextStep::ListForDocker,
        NextStep::LogIn { host: host() },
        NextStep::LogInToEach { authfile: "--authfile".into() },
        NextStep::LogInOrWait { until: "20:04 UTC".into() },
        NextStep::LogInToProxy,
        NextStep::MakeDirectory { directory: "/media/usb/bundles/".into() },
        NextStep::NameAuthorityDirectory,
        NextStep::NameAuthfile,
        NextStep::NameFileForInput { variable: "BUNDLE_PASSWORD".into() },
        NextStep::NameFileInDirectory,
        NextStep::NameFileForOutput,
        NextStep::NameHelper,
        NextStep::NameLinkTarget,
        NextStep::NameLoneImage,
        NextStep::NameMirrorWithoutApi { registry: "registry.example:5000/library".into() },
        NextStep::NameOneOf { hosts: vec![host()] },
        NextStep::NameOtherFile,
        NextStep::NamePlainFile,
        NextStep::NamePlainHttpHost,
        NextStep::NameBundle,
        NextStep::NameBundlesOrHosts,
        NextStep::NameBundlesOrRegistry,
        NextStep::NameFilesOrRegistry,
        NextStep::NameRegistry,
        NextStep::NameRepositoriesThere,
        NextStep::NameRegistryByName,
        NextStep::NameRepository,
        NextStep::NewCertificate,
        NextStep::NewCertificateWithAddress,
        NextStep::NewCertificateWithName,
        NextStep::OpenMoreFiles,
        NextStep::PackApart,
        NextStep::PackFromInside { folder: "images/".into() },
        NextStep::PackPlainFiles,
        NextStep::PinAll,
        NextStep::PinIndex,
        NextStep::Pin,
        NextStep::PrefixFromBundle,
        NextStep::ProtectCredentialFile { file: "/home/operator/.docker/config.json".into() },
        NextStep::ProvideLayer,
        NextStep::PullAsLayout,
        NextStep::PullLargeFile,
        NextStep::PushElsewhere,
        NextStep::PushToSourceAgain,
        NextStep::RaiseBodyLimit,
        NextStep::RaiseMaxManifests,
        NextStep::RaiseMaxSpool,
        NextStep::RaiseQuota,
        NextStep::ReadHelp { command: Some("import".into()) },
        NextStep::ReadPipeAsStandardInput,
        NextStep::ReleaseTag,
        NextStep::RemoveForeignFile,
        NextStep::RepairCredentialFile,
        NextStep::ReplaceFiles,
        NextStep::RunHelper,
        NextStep::RunHelperOrLogIn,
        NextStep::SaveAsLayout,
        NextStep::SaveUnderTwoNames,
        NextStep::SaveWithLaterDocker,
        NextStep::SaveWithoutMark,
        NextStep::SetPassword { variable: "BUNDLE_SRC_PASSWORD".into() },
        NextStep::SetProxyUrl,
        NextStep::SignOrTakeWithout,
        SigningStep::AskWhoSigned.into(),
        SigningStep::BringSignature.into(),
        SigningStep::ChooseKeyPassword.into(),
        SigningStep::ConvertKey { file: "/media/usb/key.pem".into() }.into(),
        SigningStep::GiveKeyPassword.into(),
        SigningStep::GivePublicKey.into(),
        SigningStep::MakeKey.into(),
        SigningStep::NameKeysOtherwise.into(),
        SigningStep::PackFirst.into(),
        SigningStep::RestrictKey { file: "/media/usb/key.pem".into() }.into(),
        SigningStep::SignWithCosign.into(),
        NextStep::SlowDown,
        NextStep::TakeInventory { path: "/media/usb/images.tar".into() },
        NextStep::TrustAuthority { host: host() },
        NextStep::TrustCertificate,
        NextStep::TrustNewAuthority,
        NextStep::UnpackIntoPipe { with: "xz -dc", path: "/media/usb/images.tar.xz".into() },
        NextStep::UsePlainHttp { host: host() },
        NextStep::UseTls,
        NextStep::WaitForOther,
        NextStep::WriteAuthorizationValue,
        NextStep::WriteElsewhere,
    ]
}

/// Variants that hold steps of their own.
const GROUPS: [&str; 3] = ["Base(", "Signing(", "Volumes("];

/// The names of the variants, as the catalogue's source has them.
fn in_the_source() -> BTreeSet<&'static str> {
    let sources = [
        include_str!("../../../error/next_step.rs"),
        include_str!("../../../error/base_step.rs"),
        include_str!("../../../error/signing_step.rs"),
        include_str!("../../../error/volume_step.rs"),
    ];
    let variants = sources.into_iter().flat_map(str::lines).filter_map(|line| line.strip_prefix("    "));
    let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    variants
        .filter(|line| !GROUPS.iter().any(|group| line.starts_with(group)))
        .map(|line| line.trim_end_matches([',', '{', ' ']))
        .collect()
}

/// The name of a variant in what it looks like.
fn name(shown: &str) -> &str {
    let shown = GROUPS.iter().find_map(|group| shown.strip_prefix(group)).unwrap_or(shown);
    shown.split([' ', '{', ')']).next().unwrap_or_default()
}

fn commands() -> Vec<Command> {
    let mut all = command_line::all();
    all.build();
    all.get_subcommands().filter(|command| command.get_name() != "help").cloned().collect()
}

/// What stands between backticks.
fn typed(words: &str) -> impl Iterator<Item = &str> {
    words.split('`').skip(1).step_by(2)
}

#[test]
fn the_tests_here_look_at_every_step_of_the_catalogue() {
    let named: Vec<String> = every().iter().map(|step| format!("{step:?}")).collect();
    let named: BTreeSet<&str> = named.iter().map(|text| name(text)).collect();
    assert_eq!(named, in_the_source());
}

#[test]
fn each_step_fits_into_two_lines_of_a_hundred_columns_and_says_one_thing_in_plain_words() {
    for step in every() {
        let words = format!("hint: {}", words(&step));
        // What is to be pasted is as long as it is.
        let columns: usize = words.split('`').step_by(2).map(|text| text.chars().count()).sum();
        assert!(columns <= 2 * COLUMNS, "{step:?}: {columns} columns: {words}");
        assert!(!words.ends_with('.') && !words.contains('\n') && !words.contains("  "), "{step:?}: {words}");
        assert!(words.split('`').count() % 2 == 1, "{step:?}: a backtick alone: {words}");
    }
}

#[test]
fn no_hint_names_a_flag_that_its_command_lacks() {
    for command in commands() {
        let advice = Advice::for_command(&command);
        assert!(advice.flags.contains("--quiet"), "{} has the program's own flags", command.get_name());
        for step in every() {
            let error = Error::Usage { message: "x".into(), next: Some(step.clone()) };
            let Some(hint) = advice.about(&error) else { continue };
            for flag in flags_in(&hint) {
                let known = command.get_arguments().any(|arg| arg.get_long() == flag.strip_prefix("--"));
                assert!(known, "{}: {step:?}: {flag}: {hint}", command.get_name());
            }
        }
    }
}

#[test]
fn every_step_has_words_for_some_command_and_most_have_words_for_all() {
    let advices: Vec<Advice> = commands().iter().map(Advice::for_command).collect();
    for step in every() {
        let error = Error::Usage { message: "x".into(), next: Some(step.clone()) };
        let said = advices.iter().filter(|advice| advice.about(&error).is_some()).count();
        assert!(said > 0, "{step:?} is never said");
    }
}

#[test]
fn the_commands_in_hints_are_commands_of_this_program_with_their_flags() {
    let commands = commands();
    for step in every() {
        let words = words(&step);
        for line in typed(&words).filter_map(|text| text.strip_prefix("bundle ")) {
            let mut parts = line.split_whitespace();
            let name = parts.next().unwrap_or_default();
            let command = commands.iter().find(|command| command.get_name() == name);
            let command = command.unwrap_or_else(|| panic!("{step:?}: no command `{name}`"));
            for flag in parts.filter_map(|part| part.strip_prefix("--")) {
                assert!(command.get_arguments().any(|arg| arg.get_long() == Some(flag)), "{step:?}: --{flag}");
            }
        }
    }
}

#[test]
fn flags_are_found_between_other_words_and_not_between_backticks() {
    let found: Vec<&str> =
        flags_in("with --jobs, or (--ca-file); `tar --xattrs` -- no --, `x` --plain-http=h").collect();
    assert_eq!(found, ["--jobs", "--ca-file", "--plain-http"]);
}

#[test]
fn the_words_are_those_that_were_looked_at() {
    let line = |step: &NextStep| format!("{}: {}\n", name(&format!("{step:?}")), words(step));
    let now: String = every().iter().map(line).collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/bundle/next_steps/words.txt");
    // BLESS=1 writes what is there now; whoever commits it has read it.
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, &now).expect("the list of words");
    }
    let looked_at = std::fs::read_to_string(file).expect("the list of words");
    for (line, expected) in now.lines().zip(looked_at.lines()) {
        assert_eq!(line, expected, "words.txt");
    }
    assert_eq!(now.lines().count(), looked_at.lines().count(), "words.txt");
}
