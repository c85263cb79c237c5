// Where a Job holds texts, by the API's own schema (io.k8s.api.batch.v1.JobSpec of Kubernetes 1.35). No name here is a number or a
// truth elsewhere in a Job, but for `values` under onExitCodes. Quantities are not here: they may be numbers.

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Fields that are a text. */
export const TEXTS = words(`
  action apiGroup audience cachingMode certificateChainPath claimName completionMode conditionType containerName credentialBundlePath
  datasetName datasetUUID devicePath directory diskName diskURI dnsPolicy driver effect endpoints fieldPath fsGroupChangePolicy fsType
  gateway generateName gmsaCredentialSpec gmsaCredentialSpecName group host hostIP hostname hostnameOverride image imagePullPolicy
  initiatorName ip iqn iscsiInterface key keyPath keyring keyType level localhostProfile managedBy medium mountPath mountPropagation
  name namespace nodeAffinityPolicy nodeName nodeTaintsPolicy operator path pdID pdName podGroup podGroupName podGroupReplicaKey
  podReplacementPolicy pool preemptionPolicy prefix priorityClassName procMount protectionDomain protocol pullPolicy recursiveReadOnly
  reference registry repository request resource resourceClaimName resourceClaimTemplateName resourceName restartPolicy revision role
  runAsUserName runtimeClassName schedulerName scheme secretFile secretName seLinuxChangePolicy server service serviceAccount
  serviceAccountName shareName signerName status stopSignal storageClassName storageMode storagePolicyID storagePolicyName storagePool
  subdomain subPath subPathExpr succeededIndexes supplementalGroupsPolicy system targetContainerName targetPortal tenant
  terminationMessagePath terminationMessagePolicy topologyKey type user value volume volumeAttributesClassName volumeID volumeMode
  volumeName volumeNamespace volumePath whenUnsatisfiable workingDir
`);

/** Fields that map texts to texts. */
export const TEXT_MAPS = words(
  "annotations labels matchLabels nodeSelector options userAnnotations volumeAttributes",
);

/** Fields that list texts. */
export const TEXT_LISTS = words(`
  accessModes add args command drop finalizers hostnames matchLabelKeys mismatchLabelKeys monitors nameservers namespaces portals
  searches targetWWNs values wwids
`);
