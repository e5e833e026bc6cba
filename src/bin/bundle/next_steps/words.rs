//! The words of each step of the catalogue.

use std::borrow::Cow;

use oci_bundle::NextStep;

use super::super::create;
use super::super::text::shell_word;
use super::{base, signing, volumes};

/// One or several ways, parted by `; or `.
pub(super) fn words(step: &NextStep) -> Cow<'static, str> {
    let words = match step {
        NextStep::AddMapping => "give one of them another place with --map FROM=TO",
        NextStep::AddPartner { file } => {
            return format!("add {}; or name a CA certificate *.crt", file.display()).into();
        }
        NextStep::AllowLongerFiles => {
            "a file cannot be that long there: see `ulimit -f`, format the drive as exFAT or ext4, or export fewer \
             images at a time"
        }
        NextStep::AllowMediaType => "the registry refuses this media type; allow it there (zot: http.compat docker2s2)",
        NextStep::AllowOverwriting => {
            "look at both, and move the tag with --on-existing-tag overwrite if that is right"
        }
        NextStep::AllowReplacing => "use --force to replace it once the new one is complete",
        NextStep::AllowSource => {
            "nothing was sent; if they may come from there, add --allow-source PREFIX, or ask who decides that"
        }
        NextStep::AllowUrls => {
            "allow them there (distribution: `validation.manifests.urls.allow`) and run the import again"
        }
        NextStep::BringAllPlatformsOrOne => {
            "export it with all its platforms; or push one (another digest) with --single-platform OS/ARCH"
        }
        NextStep::CheckAddressAndProxy => {
            "check the address and the proxy in front of it; a network may want a login in a browser first"
        }
        NextStep::CheckClock => "check this machine's clock; if it is right, the server needs a new certificate",
        NextStep::CheckCredentials => {
            "check the credentials: `bundle login` keeps good ones; or give --username and --password-stdin"
        }
        NextStep::CheckExternalUrl => "check the registry's external URL setting",
        NextStep::CheckExternalUrlAndProxy => "check the registry's external URL setting and the proxy in front of it",
        NextStep::CheckGateway => {
            "something in front of the registry (a proxy, a load balancer) answers for it: check that the registry \
             itself runs, then run the same command again"
        }
        NextStep::CheckHost => "check the host name and port; a registry answers 200 or 401 there",
        NextStep::CheckLine => "check the host name and the network, then run the same command again",
        NextStep::CheckName => "check the name and the tag",
        NextStep::CheckPath => "check the path",
        NextStep::CheckPermission => "check the account's rights there",
        NextStep::CheckProxy => "check the proxy; for a host that is reached without it, add that host to NO_PROXY",
        NextStep::CheckRealm => "check the realm that the registry names",
        NextStep::CheckServerCertificate => {
            "give a certificate with --tls-cert, and with --tls-key its key in PEM, not encrypted; or try --self-signed"
        }
        NextStep::CheckServerName => "check the host name, and that of the certificate",
        NextStep::CheckStorageRedirect => "check the registry's storage redirect",
        NextStep::ChoosePlatform => "choose among those that there are with --platform; without it all of them come",
        NextStep::ChooseSinglePlatform => "choose one that is there with --single-platform OS/ARCH[/VARIANT]",
        NextStep::CopyAgain => "copy it from its source once more, and compare both with sha256sum",
        NextStep::CopyWithImgpkg => {
            "push it with `imgpkg copy --tar FILE --to-repo HOST/REPO`, or export its images again"
        }
        NextStep::CopyWithSkopeo => {
            "make a layout of the unpacked directory: `skopeo copy --all --preserve-digests dir:DIR oci-archive:FILE.tar:NAME`"
        }
        NextStep::CreateProject { host, project, repository } => {
            return format!(
                "create the project `{project}` ({}); or check the credentials and their rights",
                create::commands(host, repository)
            )
            .into();
        }
        NextStep::CreateRepository => "create the project or repository in the registry first; or check the name",
        NextStep::CurrentTlsOrClientCertificate => {
            "the server needs TLS 1.2 or 1.3; or it wants a client certificate: --cert and --key"
        }
        NextStep::CutPadding { bytes } => {
            return format!("cut what was appended (dd conv=sync does that): `truncate -s {bytes} FILE`").into();
        }
        NextStep::DeleteDamagedBlob => "delete that blob in the registry's storage and run the import again",
        NextStep::DeleteDamagedCopies => {
            "delete it in the registry's storage, or the repository and its garbage; then import again"
        }
        NextStep::DeleteDamagedManifest => {
            "its storage may be damaged; delete the manifest there and run the import again"
        }
        NextStep::DownloadAgain => "look at it with `head`, log in where it came from, and download it once more",
        NextStep::EnableTls => "enable TLS 1.2 or 1.3 on the server",
        NextStep::ExportEachRepository => {
            "export each repository by itself, images by their tags; or leave --ref-name out"
        }
        NextStep::ExportFromRegistry { name } => {
            return format!("export it from its registry: `bundle export {} -o FILE`", shell_word(name)).into();
        }
        NextStep::ExportWhole { name } => {
            return format!(
                "the file has a part of the image only: get all of it with `bundle export {} -o FILE`, and import that",
                shell_word(name)
            )
            .into();
        }
        NextStep::FindOtherWriter => "look for another writer of this tag, or for a cache in front of the registry",
        NextStep::FormatDrive => "format the drive as exFAT or ext4; or export fewer images at a time",
        NextStep::FreeRoom => "free some room on that drive; or write to another one with --output",
        NextStep::FreeRoomOrWriteElsewhere => {
            "free some room there; or name another place with --output; or unpack elsewhere with --tmpdir"
        }
        NextStep::GetAccess => "check who owns it, and run the command as a user who may use it",
        NextStep::GiveClientCertificate { host } => {
            return format!("give one with --cert and --key; or put NAME.cert and NAME.key into certs.d/{host}").into();
        }
        NextStep::GiveCredentials => "give --username and --password-stdin; or set BUNDLE_PASSWORD",
        NextStep::GiveKey => "give the unencrypted PEM key of the client certificate with --key",
        NextStep::GiveMirrorTls => "give the registry a certificate, and leave --plain-http out",
        NextStep::GiveNodeLogin => {
            "give the login that the nodes have with --username and --password-stdin; or name a file of credentials with \
             --authfile"
        }
        NextStep::GiveFlagForEachFile => {
            "give each file with a flag of its own: -f FILE for a list, --base FILE for a base"
        }
        NextStep::GiveOneOfThem => "give one of them",
        NextStep::GivePassword { flag, variable } => return format!("add {flag}; or set {variable}").into(),
        NextStep::GoOn => "run the same command again to go on: what is done already is not done again",
        NextStep::GoOnWith { path, kept } => {
            let kept = match kept {
                Some(kept) => format!("{kept} are"),
                None => "what was fetched before is".to_owned(),
            };
            return format!("run the same command again to go on: {kept} kept in {}", path.display()).into();
        }
        NextStep::ImportApart => "import the files one after the other: the tag then names what the last of them has",
        NextStep::InstallHelper => "install the helper; or take it out of the file; or name another with --authfile",
        NextStep::LeaveOutReferrers => "leave signatures and SBOMs out with --referrers none",
        NextStep::LeaveOutScheme { host } => return format!("name it as `{host}`").into(),
        NextStep::ListenElsewhere => "give an address of this machine and a port that is free with --listen",
        NextStep::ListForDocker => {
            "give --docker-load one platform that the images have, and write one whole file; or leave it out"
        }
        NextStep::LogIn { host } => {
            return format!(
                "check the credentials: log in with `bundle login {host}`; or give --username and --password-stdin"
            )
            .into();
        }
        NextStep::LogInToEach { authfile } => {
            return format!("log in to each with `bundle login HOST`; or name a file of credentials with {authfile}")
                .into();
        }
        NextStep::LogInOrWait { until } => return format!("log in, or wait until {until}").into(),
        NextStep::LogInToProxy => {
            "write the variable as http://USER:PASSWORD@HOST:PORT; or add the registry's host to NO_PROXY"
        }
        NextStep::NameAuthorityDirectory => "name a directory for it: `--self-signed=DIR`",
        NextStep::NameAuthfile => "name a file with --authfile",
        NextStep::MakeDirectory { directory } => {
            let directory = shell_word(&directory.display().to_string()).into_owned();
            return format!(
                "make it with `mkdir -p {directory}`, and name a file in it, as in `-o {directory}images.tar`"
            )
            .into();
        }
        NextStep::NameFileForOutput => "name a file, as in `-o images.tar`; one that is called `-` is `./-`",
        NextStep::NameFileForInput { variable } => {
            return format!("name a file in place of `-`, or set {variable}").into();
        }
        NextStep::NameFileInDirectory => "name a file in it",
        NextStep::NameHelper => "a helper is named by what follows `docker-credential-`",
        NextStep::NameLinkTarget => "name the file it points to",
        NextStep::NameLoneImage => "if it is one image, import it with its name: `bundle import FILE --name REPO:TAG`",
        NextStep::NameMirrorWithoutApi { registry } => {
            return format!(
                "the registry is `--registry {}`: v2 belongs to the mirror's URL only",
                shell_word(registry)
            )
            .into();
        }
        NextStep::NameOneOf { hosts } => return format!("its registries are: {}", hosts.join(", ")).into(),
        NextStep::NameOtherFile => "name the other one as a file",
        NextStep::NamePlainFile => "a bundle is written in place and needs a plain file",
        NextStep::NameBundle => "name a bundle whose images were imported there",
        NextStep::NameBundlesOrHosts => "name bundles; or hosts that images are named after with --host HOST",
        NextStep::NameBundlesOrRegistry => "name bundles; or a registry with --registry HOST[:PORT][/NAMESPACE]",
        NextStep::NameFilesOrRegistry => "name files; or name a registry with --registry HOST and repositories there",
        NextStep::NameRepositoriesThere => {
            "name repositories there, a list with -f FILE, or all that it lists with --catalog"
        }
        NextStep::NameRegistry => "name it with --registry HOST[:PORT][/NAMESPACE]",
        NextStep::NameRegistryByName => "give the registry a host name, and name it by that",
        NextStep::MapWholeHost => "map the whole host, as in --map HOST=TO; or leave --map out",
        NextStep::NameRepository => {
            "import it with its repository named, as in `bundle import FILE --name registry.example/team/app`; of a \
             single image the tag too: `--name REPO:TAG`"
        }
        NextStep::NewCertificate => "the server needs another certificate",
        NextStep::NewCertificateWithAddress => {
            "use one of its names; or give the server a certificate with its IP address as alternative name"
        }
        NextStep::NewCertificateWithName => "check the host name; the server needs a certificate that names it",
        NextStep::NamePlainHttpHost => "name the host that has none with --plain-http=HOST",
        NextStep::Pin => {
            "give the digest that `bundle export` printed with --expect; or the key of who signs bundles with --require-key"
        }
        NextStep::OpenMoreFiles => "allow more open files with `ulimit -n 4096`; or lower --jobs",
        NextStep::PinIndex => {
            "give the digest that `bundle export` printed, the sha256 of its index.json; `sha256sum FILE` gives another number"
        }
        NextStep::PrefixFromBundle => {
            "begin it as the names in the bundle begin, with the host: `bundle list FILE` shows them"
        }
        NextStep::ProvideLayer => "put the layer into the registry; or leave out --include-non-distributable-layers",
        NextStep::PushToSourceAgain => "the source registry has lost a part of this image: push the image there again",
        NextStep::PackApart => {
            "a bundle can have only one of them: leave a file out, or choose images with --only NAME"
        }
        NextStep::PackFromInside { folder } => {
            return format!(
                "pack it from inside: `tar -C {} -cf FILE .`, or name the unpacked folder",
                shell_word(folder)
            )
            .into();
        }
        NextStep::PackPlainFiles => {
            "pack plain files: `tar --dereference --hard-dereference -cf FILE .` without -S; a directory: copy it with `cp -rL`"
        }
        NextStep::PullAsLayout => "pull it once more as a layout: `crane pull --format=oci IMAGE DIR`",
        NextStep::PullLargeFile => "fetch the file it stands for: `git lfs pull`",
        NextStep::RaiseBodyLimit => "raise the body limit of the registry or of the proxy in front of it",
        NextStep::RaiseQuota => "raise the quota of the project in the registry; or delete what is not needed there",
        NextStep::ProtectCredentialFile { file } => {
            return format!("see whose it is and who may write there, then `chmod 0600 {}`", file.display()).into();
        }
        NextStep::PinAll => {
            "pin the whole bundle with --expect and the digest that `bundle export` printed; or pin these too: an \
             image as NAME@DIGEST, a signature or SBOM as REPOSITORY@DIGEST"
        }
        NextStep::PushElsewhere => {
            "it is read-only, or a cache: push to the registry behind it, or switch read-only off"
        }
        NextStep::RaiseMaxManifests => {
            "if you know the images and this machine has the memory, allow more with --max-manifests SIZE"
        }
        NextStep::RaiseMaxSpool => "if you know where it comes from, allow more with --max-spool SIZE",
        NextStep::ReadHelp { command } => {
            let command = command.as_deref().map(|name| format!("{name} ")).unwrap_or_default();
            return format!("`bundle {command}--help` lists what there is").into();
        }
        NextStep::ReadPipeAsStandardInput => "a pipe can be read as `-`, standard input",
        NextStep::ReleaseTag => "if the tag is immutable, remove it or the rule that protects it; all else was pushed",
        NextStep::RemoveForeignFile => {
            "if nobody needs it, remove it and run the same command again; or write the bundle into a directory where \
             only you may write"
        }
        NextStep::RepairCredentialFile => "repair the file; or name another with --authfile",
        NextStep::ReplaceFiles => "write into another folder with --output; or replace what is there with --force",
        NextStep::RunHelper => "run the helper by hand to see what it says",
        NextStep::RunHelperOrLogIn => "run the helper by hand; or log in to the registry again with `bundle login`",
        NextStep::SaveAsLayout => {
            "save it as a layout: `podman save --format oci-archive`, `skopeo copy … oci-archive:FILE:NAME`"
        }
        NextStep::SaveUnderTwoNames => "save them once more under two names, or each into a file of its own",
        NextStep::SaveWithLaterDocker => "save it once more with docker 25 or later",
        NextStep::SaveWithoutMark => {
            "save it as UTF-8 without a byte order mark; better, bring the file as its tool wrote it"
        }
        NextStep::SetPassword { variable } => {
            return format!("set BUNDLE_PASSWORD or {variable} for one of them").into();
        }
        NextStep::SetProxyUrl => "set it like http://proxy.example:3128; or unset it",
        NextStep::Base(step) => return base::words(step),
        NextStep::Signing(step) => return signing::words(step),
        NextStep::Volumes(step) => return volumes::words(step),
        NextStep::SignOrTakeWithout => "sign the image first; or take it without with --referrers auto",
        NextStep::SlowDown => "the registry limits requests: wait, log in, or lower --jobs",
        NextStep::TakeInventory { path } => {
            return format!(
                "give its good parts: `bundle inventory {} -o inventory.json`",
                shell_word(&path.display().to_string())
            )
            .into();
        }
        NextStep::TrustAuthority { host } => {
            return format!(
                "give the authority's certificate with --ca-file; or put it into `/etc/docker/certs.d/{host}/ca.crt`"
            )
            .into();
        }
        NextStep::TrustCertificate => "give this very certificate with --ca-file; or put it into certs.d as *.crt",
        NextStep::TrustNewAuthority => "the authority has a new key: give its new certificate with --ca-file",
        NextStep::UnpackIntoPipe { with, path } => {
            return format!("unpack it into a pipe: `{with} {} | bundle … -`", shell_word(&path.display().to_string()))
                .into();
        }
        NextStep::UsePlainHttp { host } => {
            return format!("if this registry serves plain HTTP, add --plain-http={host}").into();
        }
        NextStep::UseTls => "leave --plain-http out; or give it as --plain-http=HOST for those that need it",
        NextStep::WaitForOther => "wait until it has ended; or stop it and run this again, which goes on from there",
        NextStep::WriteAuthorizationValue => "write AUTHCRED as `Basic $(printf %s user:password | base64 -w0)`",
        NextStep::WriteElsewhere => "mount it writable; or write elsewhere with --output",
    };
    words.into()
}
