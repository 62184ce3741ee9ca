// Resource Groups Tagging: what carries a tag, of what the other servers know and of what tests tell.
//
//   POST /__test/tagged [{ arn, account, tags }]
import { taggedLogs } from "./aws_logs.mjs";

let others;
export function resetTagging() {
  others = [];
}
resetTagging();

const PAGE = 2;

function getResources({ TagFilters = [], PaginationToken = "" }, { account }) {
  const fits = ({ tags }) => TagFilters.every(({ Key, Values = [] }) => Key in tags && (!Values.length || Values.includes(tags[Key])));
  const all = [...taggedLogs(), ...others].filter((each) => (each.account ?? "111122223333") === account && fits(each));
  const from = Number(PaginationToken || 0);
  return { PaginationToken: from + PAGE < all.length ? String(from + PAGE) : "",
    ResourceTagMappingList: all.slice(from, from + PAGE).map(({ arn, tags }) => ({ ResourceARN: arn,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) })) };
}

export const taggingAnswers = { "tagging.GetResources": getResources };

export const taggingControls = { "POST /__test/tagged": (list) => void others.push(...list) };
