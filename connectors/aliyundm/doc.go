// Package aliyundm is the connector for Alibaba Cloud Direct Mail
// (https://www.alibabacloud.com/help/en/direct-mail/api-dm-2015-11-23-singlesendmail):
// the signed request that sends one mail, and the classes of its refusals.
//
// Direct Mail reports what became of mails through EventBridge only, not by
// callback.
package aliyundm
