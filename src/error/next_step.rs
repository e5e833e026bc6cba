//! `NextStep`: the catalogue of what a person can do about an error. Typed here, worded by whoever
//! talks to the person: only he knows which flags there are.

use std::path::PathBuf;

/// One thing to do. A new one is meant to be seen by every program that has words for them, so the
/// list is open to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum NextStep {
    /// Give one of two images another place at the target.
    AddMapping,
    /// Put the other half of a client certificate beside it.
    AddPartner {
        /// Where it is looked for.
        file: PathBuf,
    },
    /// Let files be longer than the process may make them.
    AllowLongerFiles,
    /// Have the registry allow this media type.
    AllowMediaType,
    /// Say that an existing file may be replaced.
    AllowReplacing,
    /// Say that existing tags may be moved.
    AllowOverwriting,
    /// Have the registry allow layers with `urls`.
    AllowUrls,
    /// Bring all platforms of an image, or one of them as an image of its own.
    BringAllPlatformsOrOne,
    /// Something about what rests on a base.
    Base(super::base_step::BaseStep),
    /// Check the address, and the proxy in front of the registry.
    CheckAddressAndProxy,
    /// Check this machine's clock.
    CheckClock,
    /// Check user name and password.
    CheckCredentials,
    /// Check the registry's setting of its own URL.
    CheckExternalUrl,
    /// The same, and the proxy in front of it.
    CheckExternalUrlAndProxy,
    /// Check whatever stands in front of the registry and answers for it.
    CheckGateway,
    /// Check host name and port.
    CheckHost,
    /// Check host name and line, and try again.
    CheckLine,
    /// Check the name and the tag of an image.
    CheckName,
    /// Check the rights of the account.
    CheckPermission,
    /// Check the proxy, or go around it.
    CheckProxy,
    /// Check the token server that the registry names.
    CheckRealm,
    /// Check the certificate that a server is to have, and its key.
    CheckServerCertificate,
    /// Check the host name against the certificate's.
    CheckServerName,
    /// Check a path that was typed.
    CheckPath,
    /// Check where the registry sends clients for content.
    CheckStorageRedirect,
    /// Choose among the platforms that there are.
    ChoosePlatform,
    /// Choose one of the platforms that there are.
    ChooseSinglePlatform,
    /// Copy a file once more, and compare the copies.
    CopyAgain,
    /// Have imgpkg push its own tar.
    CopyWithImgpkg,
    /// Have skopeo make a layout of its directory.
    CopyWithSkopeo,
    /// Create the project, or whatever the first part of the path stands for.
    CreateProject {
        /// The registry.
        host: String,
        /// Its name.
        project: String,
        /// The path that was to be pushed to.
        repository: String,
    },
    /// Create the repository, or check its name.
    CreateRepository,
    /// Give the server a current TLS, or show it a client certificate.
    CurrentTlsOrClientCertificate,
    /// Cut what was appended to a file.
    CutPadding {
        /// The length that it should have.
        bytes: u64,
    },
    /// Delete a blob from the registry's storage.
    DeleteDamagedBlob,
    /// Delete damaged content from the registry.
    DeleteDamagedCopies,
    /// Delete a manifest from the registry's storage.
    DeleteDamagedManifest,
    /// Fetch a file once more, and look at it.
    DownloadAgain,
    /// Enable TLS 1.2 or 1.3 on the server.
    EnableTls,
    /// Export each repository into a bundle of its own, or show full names.
    ExportEachRepository,
    /// Export an image from its registry.
    ExportFromRegistry {
        /// Its name.
        name: String,
    },
    /// Export an image with all its platforms, or the one that is there by its own digest.
    ExportWhole {
        /// Its name.
        name: String,
    },
    /// Find out who else writes a tag.
    FindOtherWriter,
    /// Format the drive so that it takes longer files, or export less at a time.
    FormatDrive,
    /// Free some room.
    FreeRoom,
    /// Free some room, or name another place.
    FreeRoomOrWriteElsewhere,
    /// Become, or ask, somebody who may use a file.
    GetAccess,
    /// Show the server a client certificate.
    GiveClientCertificate {
        /// The registry.
        host: String,
    },
    /// Give a user name and a password.
    GiveCredentials,
    /// Name the unencrypted key of a client certificate.
    GiveKey,
    /// Have the mirror speak TLS.
    GiveMirrorTls,
    /// Give the login that nodes have.
    GiveNodeLogin,
    /// Of two that exclude each other, give one.
    GiveOneOfThem,
    /// Give the password that belongs to a user name.
    GivePassword {
        /// The flag that reads it.
        flag: String,
        /// The variable that holds it.
        variable: String,
    },
    /// Give each file with a flag of its own.
    GiveFlagForEachFile,
    /// Run the same command again: what is done stays done.
    GoOn,
    /// The same, where a part of a bundle is kept.
    GoOnWith {
        /// The unfinished file.
        path: PathBuf,
        /// How much of how much is in it, as in `1.2 MiB of 4 MiB`.
        kept: Option<String>,
    },
    /// Import the bundles one after the other.
    ImportApart,
    /// Install a credential helper, or do without it.
    InstallHelper,
    /// Export without what refers to the images.
    LeaveOutReferrers,
    /// Name a registry without `https://`.
    LeaveOutScheme {
        /// The rest of what was typed.
        host: String,
    },
    /// Get credentials for a registry.
    LogIn {
        /// The registry.
        host: String,
    },
    /// Have the server listen at another address.
    ListenElsewhere,
    /// Log in to each registry: one user name is not for all.
    LogInToEach {
        /// The flag that names a file of credentials.
        authfile: String,
    },
    /// Log in to the registry, or wait.
    LogInOrWait {
        /// When it may be asked again, as in `20:04 UTC`.
        until: String,
    },
    /// Give the proxy a user name and a password, or go around it.
    LogInToProxy,
    /// List the images of one platform that they have for Docker, in a file that is whole, or none.
    ListForDocker,
    /// Map a whole host to one place.
    MapWholeHost,
    /// Name a directory for the authority of a server.
    NameAuthorityDirectory,
    /// Name a file for credentials.
    NameAuthfile,
    /// Make a directory, and name a file in it.
    MakeDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// Name a file, and leave standard input to the password.
    NameFileForInput {
        /// The variable that may hold the password instead.
        variable: String,
    },
    /// Name a file, and not standard output.
    NameFileForOutput,
    /// Name a file in a directory.
    NameFileInDirectory,
    /// A helper is named without `docker-credential-`.
    NameHelper,
    /// Name the file that a link points to.
    NameLinkTarget,
    /// Name a bundle whose images are at the registry.
    NameBundle,
    /// Name bundles, or hosts that images are named after.
    NameBundlesOrHosts,
    /// Name bundles, or a registry.
    NameBundlesOrRegistry,
    /// Name files, or a registry.
    NameFilesOrRegistry,
    /// Say the name of the only image in a layout.
    NameLoneImage,
    /// Name one of the registries that the command talks to.
    NameOneOf {
        /// They.
        hosts: Vec<String>,
    },
    /// Name what is read from standard input already as a file.
    NameOtherFile,
    /// Name a plain file.
    NamePlainFile,
    /// Name the registry.
    NameRegistry,
    /// Name the registry by a host name that leads to its address.
    NameRegistryByName,
    /// Name what to look for at the registry.
    NameRepositoriesThere,
    /// Name the repository of images that have none.
    NameRepository,
    /// Give the server another certificate.
    NewCertificate,
    /// One with its IP address.
    NewCertificateWithAddress,
    /// One with its name.
    NewCertificateWithName,
    /// Name the registries that have no TLS.
    NamePlainHttpHost,
    /// Pin the bundle, or images.
    Pin,
    /// Let the process open more files, or let it do less at a time.
    OpenMoreFiles,
    /// Pin what pins a bundle: the digest of its `index.json`.
    PinIndex,
    /// Write the beginning of a name as it stands in the bundle.
    PrefixFromBundle,
    /// Name the mirror's registry without the part of its URL that is the API's.
    NameMirrorWithoutApi {
        /// What to name.
        registry: String,
    },
    /// Pack what contradicts into two bundles, or leave one of them out.
    PackApart,
    /// Pack a layout anew, from inside its folder.
    PackFromInside {
        /// The folder.
        folder: String,
    },
    /// Pack plain files: no links, no holes.
    PackPlainFiles,
    /// Put a layer into the registry, or do without it.
    ProvideLayer,
    /// Push an image to the source registry once more: it lost a part.
    PushToSourceAgain,
    /// Pull an image as a layout.
    PullAsLayout,
    /// Fetch what a pointer of git LFS stands for.
    PullLargeFile,
    /// Raise the largest body that the registry takes.
    RaiseBodyLimit,
    /// Raise the quota of a project at the registry.
    RaiseQuota,
    /// See that nobody else can change a file with credentials.
    ProtectCredentialFile {
        /// The file.
        file: PathBuf,
    },
    /// Pin every image, or the bundle whole.
    PinAll,
    /// Push to a registry that takes content: this one only reads.
    PushElsewhere,
    /// Allow more memory for manifests.
    RaiseMaxManifests,
    /// Allow more room for temporary files.
    RaiseMaxSpool,
    /// Look at what a command takes.
    ReadHelp {
        /// Its name; without one, the program's.
        command: Option<String>,
    },
    /// A pipe can be read as standard input.
    ReadPipeAsStandardInput,
    /// Remove a tag, or the rule that protects it.
    ReleaseTag,
    /// Remove a file that others had a hand in, or export elsewhere.
    RemoveForeignFile,
    /// Repair a file with credentials, or name another.
    RepairCredentialFile,
    /// Write into another folder, or say that files may be replaced.
    ReplaceFiles,
    /// See what a credential helper says.
    RunHelper,
    /// The same, or log in again.
    RunHelperOrLogIn,
    /// Save an image as a layout.
    SaveAsLayout,
    /// Save two images under a name each.
    SaveUnderTwoNames,
    /// Save an image with docker 25 or later.
    SaveWithLaterDocker,
    /// Save a document without its byte order mark.
    SaveWithoutMark,
    /// Set a password's variable: standard input is for one of two.
    SetPassword {
        /// That of the other side.
        variable: String,
    },
    /// Set the variable of a proxy right.
    SetProxyUrl,
    /// Sign an image first, or take it without signatures.
    SignOrTakeWithout,
    /// Something about keys and signatures of bundles.
    Signing(super::signing_step::SigningStep),
    /// Say that images from there may be taken.
    AllowSource,
    /// Ask the registry less often.
    SlowDown,
    /// Take an inventory of what is good of a damaged file.
    TakeInventory {
        /// The file.
        path: PathBuf,
    },
    /// Trust the authority that signed a certificate.
    TrustAuthority {
        /// The registry.
        host: String,
    },
    /// Trust a certificate that signed itself.
    TrustCertificate,
    /// Trust the present certificate of an authority.
    TrustNewAuthority,
    /// Unpack a file into a pipe that is read instead.
    UnpackIntoPipe {
        /// What unpacks it to standard output.
        with: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Talk to a registry without TLS.
    UsePlainHttp {
        /// The registry.
        host: String,
    },
    /// Talk TLS to a registry that talks nothing else.
    UseTls,
    /// About the volumes of a bundle.
    Volumes(super::volume_step::VolumeStep),
    /// Wait for another process that writes the same file.
    WaitForOther,
    /// Write to a place that is not read-only.
    WriteElsewhere,
    /// Write credentials as in an `Authorization` header.
    WriteAuthorizationValue,
}
