<#-- Keycloak's place for a footer of one's own, on every page. The only template that this theme has. -->
<#macro content>
<ul id="facility-links">
    <li><a id="facility-help" href="${properties.facilityHelp}">${msg("facilityHelp")}</a></li>
    <#if properties.facilityPrivacy?has_content>
    <li><a id="facility-privacy" href="${properties.facilityPrivacy}">${msg("facilityPrivacy")}</a></li>
    </#if>
    <#if properties.facilityWebsite?has_content>
    <li><a id="facility-website" href="${properties.facilityWebsite}">${properties.facilityName}</a></li>
    </#if>
</ul>
<template id="facility-local"><h2 id="facility-local-title">${msg("facilityLocalLogin", properties.facilityName)}</h2></template>
<script src="${url.resourcesPath}/js/facility.js"></script>
</#macro>
