"""Who is in the federation on one machine: five regions, two agencies. All is fictional."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.text import Bilingual
from did_service.node.founding import Plan, RegionPlan

REGIONS = (
    RegionPlan("gd", Bilingual("广东", "Guangdong"), "440000", "gd.example"),
    RegionPlan("hn", Bilingual("湖南", "Hunan"), "430000", "hn.example"),
    RegionPlan("zj", Bilingual("浙江", "Zhejiang"), "330000", "zj.example"),
    RegionPlan("sc", Bilingual("四川", "Sichuan"), "510000", "sc.example"),
    RegionPlan(
        "cn", Bilingual("国家政务服务平台", "National platform"), "000000", "cn.example"
    ),
)


def plan(year: int) -> Plan:
    """Return the federation: three of the four other regions cosign, one may be malicious.

    It has the logs of the next year as well: the story may begin in the last minute of a year.
    """
    years = (year, year + 1)
    return Plan("urn:didsvc:federation:demo", REGIONS, years, 3, 3, 1, demo=True)


@dataclass(frozen=True, slots=True)
class AgencyPlan:
    """One agency: where it is, what it issues, and to whom in this story.

    Attributes:
        id: Its name in URLs.
        region: Id of its region.
        host: Its host.
        name: As officials write it.
        jurisdiction: Region code for which it issues.
        scope: Word of its authority statement.
        item: Service item and file name of the schema, such as `residence-permit`.
        class_name: Class of the credential.
        basis: Legal basis of its authority.
        cryptosuite: With which it signs credentials.
        claims: What the citizen applies with.
    """

    id: str
    region: str
    host: str
    name: Bilingual
    jurisdiction: str
    scope: str
    item: str
    class_name: str
    basis: Bilingual
    cryptosuite: str
    claims: JsonObject

    @property
    def url(self) -> str:
        """Base URL of the agency's calls."""
        return f"https://{self.host}/agencies/{self.id}"

    @property
    def log_host(self) -> str:
        """The host of its region's logs."""
        return next(each.host for each in REGIONS if each.id == self.region)

    @property
    def mirrors(self) -> tuple[str, ...]:
        """Where wallets find evidence."""
        return (f"https://{self.log_host}/reg", "https://cn.example/reg")

    @property
    def type_id(self) -> str:
        """The credential type's id."""
        return f"urn:didsvc:{self.item}:1"

    @property
    def schema_id(self) -> str:
        """The id under which the schema is published."""
        return f"urn:didsvc:schema:{self.item}:1"


POLICE = AgencyPlan(
    id="police",
    region="gd",
    host="gz.gd.example",
    name=Bilingual("广州市公安局", "Guangzhou Public Security Bureau"),
    jurisdiction="440100",
    scope="residence",
    item="residence-permit",
    class_name="ResidencePermit",
    basis=Bilingual("居住证暂行条例", "Interim Regulations on Residence Permits"),
    cryptosuite="eddsa-jcs-2022",
    claims={
        "familyName": "王",
        "givenName": "小明",
        "citizenNumber": "11010519491231002X",
        "permitNumber": "GZ20260001",
        "residence": {"region": "440106", "address": "广州市天河区示例路1号"},
    },
)
SCHOOL = AgencyPlan(
    id="school",
    region="hn",
    host="cs.hn.example",
    name=Bilingual("长沙示例学院", "Changsha Example College"),
    jurisdiction="430100",
    scope="education",
    item="education",
    class_name="Education",
    basis=Bilingual("高等教育学历证书管理规定", "Rules on Certificates of Higher Education"),
    cryptosuite="eddsa-rdfc-2022",
    claims={
        "familyName": "王",
        "givenName": "小明",
        "institution": {"name": "长沙示例学院"},
        "major": "计算机科学与技术",
        "educationLevel": "bachelor",
        "graduatedOn": "2020-07-01",
        "certificateNumber": "105581202005000001",
    },
)
AGENCIES = (POLICE, SCHOOL)

ITEM = "urn:didsvc:item:residence-check:1"


def service_item(agency: str, tier: str) -> JsonObject:
    """Return the service for which the counter looks at a residence permit.

    Args:
        agency: DID of whoever offers it.
        tier: How old evidence may be: `online`, `day` or `field`.
    """
    asked: JsonObject = {
        "id": "q",
        "format": "ldp_vc",
        "meta": {"type_values": [[POLICE.type_id]]},
    }
    return {
        "id": ITEM,
        "name": {"zh": "跨省居住证核验", "en": "Residence permit check across provinces"},
        "agency": agency,
        "materials": [POLICE.type_id],
        "query": {"credentials": [asked]},
        "tier": tier,
    }


def schema_of(item: str) -> JsonObject:
    """Return the published JSON Schema of a service item's credential."""
    found = files("did_service") / "schemas" / "credential-types" / f"{item}.json"
    return strict_json.load_object(found.read_bytes())
