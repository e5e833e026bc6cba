//! How to make what a registry wants to be there before the first push: the commands that a person may type, as
//! the products' public documents give them. None of them is ever run.

/// What makes the place for `path` at this registry: the command of its product where the host tells which it is,
/// else those of all three that want it.
pub(crate) fn commands(host: &str, path: &str) -> String {
    if let Some(region) = ecr_region(host) {
        return format!("`{}`", ecr(path, Some(region)));
    }
    if host.split(['.', ':', '-']).any(|part| part == "gitlab") {
        return format!("`{}`", gitlab(path));
    }
    format!("Harbor: `{}`; GitLab: `{}`; ECR: `{}`", harbor(host, path), gitlab(path), ecr(path, None))
}

/// Harbor 2 API, `POST /projects`. The first part of a path is the project; repositories make themselves.
fn harbor(host: &str, path: &str) -> String {
    let project = path.split('/').next().unwrap_or_default();
    format!("curl -u admin --json '{{\"project_name\":\"{project}\"}}' https://{host}/api/v2.0/projects")
}

/// GitLab API 4, `POST /projects`. Its API is at another host than its registry.
fn gitlab(path: &str) -> String {
    let name = path.split('/').nth(1).unwrap_or(path);
    format!(
        "curl --header 'PRIVATE-TOKEN: TOKEN' --json '{{\"path\":\"{name}\",\"namespace_id\":ID}}' \
         https://GITLAB/api/v4/projects"
    )
}

/// AWS CLI 2, `ecr create-repository`: every repository of its own.
fn ecr(path: &str, region: Option<&str>) -> String {
    let region = region.map(|region| format!(" --region {region}")).unwrap_or_default();
    format!("aws ecr create-repository --repository-name {path}{region}")
}

/// The region in `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
fn ecr_region(host: &str) -> Option<&str> {
    let (account, rest) = host.split_once(".dkr.ecr.")?;
    let (region, rest) = rest.split_once('.')?;
    (account.bytes().all(|b| b.is_ascii_digit()) && rest.starts_with("amazonaws.com")).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_the_product_is_shown_where_the_host_tells_it() {
        let ecr = commands("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "team/app");
        assert_eq!(ecr, "`aws ecr create-repository --repository-name team/app --region eu-west-1`");
        let gitlab = commands("registry.gitlab.example:5050", "group/app/web");
        assert!(gitlab.contains("https://GITLAB/api/v4/projects") && gitlab.contains("\"path\":\"app\""), "{gitlab}");
        let unknown = commands("172.18.0.20", "library/app");
        let harbor = "`curl -u admin --json '{\"project_name\":\"library\"}' https://172.18.0.20/api/v2.0/projects`";
        assert!(unknown.contains(harbor), "{unknown}");
        assert!(unknown.contains("aws ecr create-repository --repository-name library/app`"), "{unknown}");
    }
}
